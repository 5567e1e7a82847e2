"""The worker in the reports: a kill of any process, the process tree, what channels could hold, heartbeats, queues."""

from dataclasses import replace

import numpy as np
import pytest

from harness.commands.postmortem import _incarnation, _trial
from harness.record import (
    MIB,
    ChannelSeen,
    ConnectionSeen,
    EndedBy,
    Incarnation,
    KillScope,
    Limit,
    MemorySeries,
    OomKill,
    RunRecord,
    TrialRecord,
)
from harness.record.flight import Flight
from reports.analysis.completeness import missing
from reports.analysis.kills import doubt_of, killed_incarnations, kills_of
from reports.analysis.postmortem import postmortem
from reports.analysis.processes import processes_of
from reports.analysis.time_axis import align
from reports.charts import style
from reports.charts.memory_kinds import draw_memory_kinds, has_kinds
from reports.pages.html_page import render_html
from reports.pages.markdown import render_markdown
from reports.tables.arms import queues
from reports.tables.worker import PROCESSES_SHOWN_MAX, heartbeats, holding, incarnations, processes, unscaled_timers
from reports.text.postmortem import how_it_ended, postmortem_lines
from reports.text.terminal import verdict_lines
from reports.verdict_words import kill_words, outcome
from tests.unit import reports_forking_records as forking
from tests.unit import reports_records as records

MANIFEST = records.manifest()
FORKING = forking.forking_trial()


def with_incarnation(**changes: object) -> TrialRecord:
    """The forking trial with its only incarnation changed."""
    return replace(FORKING, incarnations=(replace(FORKING.incarnations[0], **changes),))  # type: ignore[arg-type]


def channel(
    consumers: int, per_consumer: int, of_channel: int = 0, *, name: str = "a", auto: bool = False
) -> ChannelSeen:
    """One channel of incarnation 0 as it was seen."""
    return ChannelSeen(1.0, 0, name, consumers, per_consumer, of_channel, auto_ack=auto)


def test_a_killed_child_is_in_every_headline_and_the_first_process_lived_on() -> None:
    """Guarantees that nobody reads "the worker survived" above a record in which the kernel killed a child."""
    told = "killed 1 time: process 6112 (python), and the worker's first process lived on"
    run, judgement = forking.forking_run(), records.judgement()

    assert outcome(FORKING, MANIFEST) == f"forking was {told}; it peaked at 3000 MiB"
    assert f"forking was {told}" in "\n".join(verdict_lines(run, judgement))
    assert told in render_html(run, judgement, {}).replace("&#39;", "'")
    assert told in render_markdown(run, judgement).replace("\\", "")


def test_without_its_witnesses_a_count_is_a_doubt_and_no_kill() -> None:
    """Guarantees the three witnesses: a count whose process nobody saw go is said to be in doubt, not counted."""
    unseen = with_incarnation(kills=(OomKill(84.0, None, None, first_process=False),))

    assert kills_of(unseen, MANIFEST) == ()
    assert "never killed" in outcome(unseen, MANIFEST)
    assert "(in doubt: the kernel counted 1 OOM kills more" in outcome(unseen, MANIFEST)
    assert killed_incarnations(unseen, MANIFEST) == unseen.incarnations
    sigkill = with_incarnation(kills=(), oom_kill_delta=0, exit_status=137, ended_by=EndedBy.UNKNOWN_SIGKILL)
    assert "something else sent SIGKILL" in (doubt_of(sigkill.incarnations[0], sigkill, MANIFEST) or "")
    by_harness = replace(sigkill.incarnations[0], ended_by=EndedBy.HARNESS)
    assert doubt_of(by_harness, sigkill, MANIFEST) is None


def test_a_peak_of_file_pages_is_told_with_its_working_set() -> None:
    """Guarantees that page cache up to the limit is not read as the worker's own memory."""
    t_s = np.arange(0.0, 10.0, 0.05)
    own, pages = np.full(t_s.size, 60.0 * MIB), np.full(t_s.size, 230.0 * MIB)
    kinds = {"anonymous_bytes": own, "file_bytes": pages, "inactive_file_bytes": pages, "kernel_bytes": own * 0}
    memory = MemorySeries.of(t_s, np.zeros(t_s.size, dtype=np.int64), own, own + pages, **kinds)
    ended = Incarnation(0, 1, 0.0, 10.0, 0, 0, 290 * MIB, 60 * MIB, EndedBy.HARNESS)
    trial = replace(records.after_trial(), memory=memory, incarnations=(ended,))

    assert outcome(trial, MANIFEST) == "fixed was never killed and peaked at 290 MiB (its working set at 60 MiB)"


def test_a_container_killed_as_one_counts_once_and_is_said_to_be() -> None:
    """Guarantees one kill of two processes where the container is what is killed, and the supervisor's part in it."""
    limit = Limit("cgroup v1", emulated=False, limit_bytes=3000 * MIB, kills=KillScope.CONTAINER, scope_emulated=True)
    trial = replace(with_incarnation(ended_by=EndedBy.SUPERVISOR, ended_s=84.5, exit_status=137), limit=limit)
    page = render_html(RunRecord(MANIFEST, (trial,)), records.judgement(), {})

    both = (OomKill(84.0, 6112, "python", first_process=False), OomKill(84.1, 6101, None, first_process=True))
    whole = replace(trial, incarnations=(replace(trial.incarnations[0], kills=both, oom_kill_delta=2),))

    assert len(kills_of(whole, MANIFEST)) == 2
    assert "killed 1 time" in kill_words(whole, MANIFEST)
    assert "the supervisor, after another process of the container was OOM-killed" in page
    assert "A kill takes the whole container; the supervisor ends what the kernel leaves." in page


def test_a_post_mortem_of_a_killed_child_ends_at_its_kill() -> None:
    """Guarantees the seconds that matter: before the kill, with the process that grew, not an hour later."""
    run = forking.forking_run()
    trial = _trial(run, None)
    found = postmortem(run, trial, _incarnation(run, trial, None), Flight())
    text = "\n".join(postmortem_lines(found, "run-1"))

    assert trial.arm == forking.FORKS
    assert how_it_ended(found).startswith("killed by the kernel's OOM killer at 11:43:22: process 6112 (python), and")
    assert found.rows[-1].before_end_s < 0.2
    assert found.rows[-1].rss_bytes is not None
    assert found.rows[-1].rss_bytes > 2000 * MIB
    assert "pid 6112, parent 6101: python  (killed)" in text
    assert "the incarnation itself ended at 12:15:30, by the harness, exit status 0" in text


def test_each_process_is_listed_once_with_its_peaks_and_its_end() -> None:
    """Guarantees the tree: who started whom, how large each became, which one was killed, and which ended earlier."""
    rows = processes(forking.forking_run()).rows
    by_pid = {row[2]: row for row in rows}

    assert [row[2] for row in rows] == ["6101", "6112", "6200"]
    assert by_pid["6101"][6:] == ("with its incarnation", "60 MiB", "55 MiB", "")
    assert by_pid["6112"][3:6] == ("6101", "python", "11:00:18")
    assert by_pid["6112"][6:] == ("11:43:22", "2510 MiB", "2505 MiB", "killed at the limit")
    assert by_pid["6200"][7:] == ("4.0 MiB", "not recorded", "")


def test_a_killed_process_that_no_sample_saw_is_listed_all_the_same() -> None:
    """Guarantees that a child which grew and died within a second is not left out."""
    quick = with_incarnation(kills=(OomKill(84.0, 7777, "sh", first_process=False),))
    (found,) = [each for each in processes_of(quick, MANIFEST) if each.killed]

    assert (found.pid, found.command, found.peak_rss_bytes) == (7777, "sh", None)


def test_a_worker_of_a_thousand_processes_does_not_fill_the_report() -> None:
    """Guarantees a bound, with the rest counted, and the killed one among those that are shown."""
    many = tuple(replace(FORKING.processes[0], pid=9000 + number) for number in range(100))
    table = processes(RunRecord(MANIFEST, (replace(FORKING, processes=(*FORKING.processes, *many)),)))

    assert len(table.rows) == PROCESSES_SHOWN_MAX
    assert "forking had 63 more." in table.caption
    assert table.rows[1][2] == "6112"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ((channel(1, 10),), "10"),
        ((channel(1, 0),), "unlimited (0)"),
        ((channel(4, 10), channel(10, 10)), "10 × 10 consumers = 100"),
        ((channel(3, 0, 10),), "10 of the channel, with 3 consumers"),
        ((channel(2, 0),), "unlimited × 2 consumers = unlimited (0)"),
        ((channel(1, 10, auto=True),), "unlimited (0): acknowledged at delivery"),
        ((channel(1, 10), channel(1, 10, name="b")), "2 channels, each 10"),
        ((channel(1, 0, 10), channel(1, 0, 25), channel(1, 0, 40)), "10; changed at least 2 times, to 40 at most"),
        ((channel(0, 10),), ""),
    ],
)
def test_what_an_incarnation_may_hold_is_worded(seen: tuple[ChannelSeen, ...], said: str) -> None:
    """Guarantees that consumers are multiplied, a channel's own bound is named, and a widened one is seen."""
    assert holding(seen, 0) == said
    assert holding(seen, 1) == ""


def test_the_incarnations_name_the_killed_and_what_could_be_held() -> None:
    """Guarantees that the row of an incarnation tells of its child's kill and of its consumers."""
    row = incarnations(forking.forking_run()).rows[0]

    assert row[4:8] == ("the harness", "0", "+1", "pid 6112")
    assert row[-1] == "2 channels, each 10 × 10 consumers = 100"


def test_a_heartbeat_is_told_in_both_times() -> None:
    """Guarantees that a timer which replay does not scale is named with what it comes to."""
    assert heartbeats(forking.forking_run()).rows == (
        (forking.FORKS, "0", "1", "60.0 s", "1200 s"),
        (forking.FORKS, "0", "1", "none", "—"),
    )
    assert "in incident time it is longer" in render_html(forking.forking_run(), records.judgement(), {})


def test_a_heartbeat_that_was_not_scaled_is_named_in_every_report() -> None:
    """Guarantees that a verdict which rests on an unscaled timer is not read without a word on it."""
    run, judgement = forking.forking_run(), records.judgement()
    said = "forking: 1 connection negotiated a heartbeat of 60.0 s in real time, 1200 s in incident time"
    lines = "\n".join(verdict_lines(run, judgement))
    for text in (render_html(run, judgement, {}), render_markdown(run, judgement), lines):
        assert said in text.replace("\\", "")


@pytest.mark.parametrize(("heartbeat_s", "time_scale"), [(3.0, 20.0), (30.0, 20.0), (60.0, 1.0), (0.0, 20.0)])
def test_a_scaled_heartbeat_is_not_named(heartbeat_s: float, time_scale: float) -> None:
    """Guarantees no note on a heartbeat that was scaled, that is short anyhow, or of a replay in real time."""
    trial = replace(FORKING, connections=(ConnectionSeen(0.4, 0, "a", heartbeat_s),))
    run = RunRecord(replace(MANIFEST, time_scale=time_scale), (trial,))

    assert unscaled_timers(run) == ()
    assert "not scaled:" not in render_html(run, records.judgement(), {})


def test_a_worker_that_counts_nothing_itself_is_not_called_incomplete() -> None:
    """Guarantees that somebody's worker has a whole record, and that an arm which lacks what another has does not."""
    silent = replace(records.after_trial(), gauges=())

    assert missing(RunRecord(MANIFEST, (silent,)), records.judgement()) == ()
    assert missing(RunRecord(MANIFEST, (records.before_trial(), silent)), records.judgement()) == (
        "fixed: the record does not hold what the worker counts itself, as it does of another arm.",
    )


def test_every_queue_is_told_with_what_it_held_at_the_end() -> None:
    """Guarantees that seven messages which wait for their time are seen to wait, and dead letters to rest."""
    rows = queues(forking.forking_run()).rows

    assert [row[1:] for row in rows if row[0] == forking.FORKS] == [
        ("work", "the worker's own queue", "0", "yes"),
        ("work.delay", "messages wait for their time, and come back", "7", "yes"),
        ("work.dead", "messages come to rest: dead letters", "2", "no"),
    ]
    nobody_looked = RunRecord(MANIFEST, (replace(FORKING, queues=None),))
    assert "was not recorded" in queues(nobody_looked).empty


def test_the_kinds_of_memory_are_stacked_below_the_limit_and_the_kill() -> None:
    """Guarantees areas that add up to what the cgroup is charged, the working set inside them, and the child's kill."""
    run = forking.forking_run()
    with style.settings():
        figure = draw_memory_kinds(run, {"fixed": 400 * MIB}, align(run.trials), style.WIDE)
    upper, fixed = figure.axes
    tops = [float(area.get_datalim(upper.transData).ymax) for area in upper.collections]
    labels = [text.get_text() for text in (*upper.texts, *fixed.texts)]
    lines = {str(line.get_label()): line for line in upper.lines}

    assert max(tops) == pytest.approx(float(FORKING.memory.cgroup_bytes.max()) / MIB, rel=1e-3)
    assert float(np.max(np.asarray(lines["working set"].get_ydata(), dtype=float))) < max(tops)
    assert "another process killed" in lines
    assert {"limit 3000 MiB", "budget 400 MiB"} <= set(labels)
    assert fixed.get_title(loc="left") == "fixed (limit 3000 MiB, far above)"


def test_without_a_cgroup_no_kinds_are_drawn() -> None:
    """Guarantees that an emulated limit has no chart of kinds: nothing measured them."""
    assert not any(has_kinds(trial) for trial in records.emulated_run().trials)
    assert kill_words(records.emulated_run().trials[0], MANIFEST) == "killed 2 times by the emulated limit"
