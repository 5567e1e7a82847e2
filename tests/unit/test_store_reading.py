"""Reading a run directory: what was written reads back; what a kill has torn is said, left out, and costs no more."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import RunDirectoryError
from harness.record import (
    CallOutcome,
    DependencyCall,
    Drain,
    EndedBy,
    Incarnation,
    Limit,
    Manifest,
    OomKill,
    Outcome,
    ProcessSample,
    Publish,
    QueueKind,
    QueueLeft,
    ReportedMetric,
    ReportedPoint,
    TrialRecord,
    WorkerGauge,
)
from harness.store import RunFolder, TrialFolder, read_run
from harness.store.memory_files import MemorySample, memory_writer, process_writer
from harness.store.message_files import write_outcomes
from harness.store.publish_journal import JournalWriter, PublishLine
from harness.store.queue_files import queue_writer, write_queues_left

MANIFEST = Manifest(
    run_id="20260101T114204Z-drill-4c1f",
    scenario="drill",
    claim="a drill",
    seed=7,
    time_scale=10.0,
    started_utc="2026-01-01T11:42:04+00:00",
    command=("harness", "run", "drill"),
    versions={"pika": "1.4.0"},
    machine={"cores": "2"},
    limit_bytes=1000,
    reported_points=(ReportedPoint(42_124.0, 1.0, 2.0, "20", "10"),),
    reported_metrics=(ReportedMetric("throughput", "0.04", "0.17"),),
)
LIMIT = Limit("cgroup v1", emulated=False, limit_bytes=1000)
FILES = [
    *["events.jsonl", "memory.csv", "queue.csv", "worker_stats.jsonl", "publishes.jsonl", "calls.jsonl"],
    *["alerts.jsonl", "processes.jsonl"],
]


def write_trial(folder: TrialFolder, start_mono_s: float) -> None:
    """Write all that one trial leaves, with its replay time zero."""
    folder.start(start_mono_s, planned_messages=2, limit=LIMIT)
    folder.event("worker_started", incarnation=0, pid=4000)
    folder.event("phase_entered", phase="healthy", from_tod_s=100.0, to_tod_s=200.0, scale=10.0)
    folder.event("channel_seen", prefetch_per_consumer=10, consumers=1, prefetch_of_channel=0, incarnation=0)
    folder.event("connection_seen", incarnation=0, name="c", heartbeat_s=60)
    folder.event("fault_requested", fault="link_cut", key="healthy.0.0", settings="")
    folder.event("worker_signalled", incarnation=0, signal="SIGTERM", by="harness")
    folder.event("oom_kill", incarnation=0, pid=4711, command="python", first_process=False)
    with memory_writer(folder) as write_memory, process_writer(folder) as write_process:
        write_memory(MemorySample(0, 500, (600, 400, 150, 100, 50)))
        write_memory(MemorySample(0, 700, None))
        write_process(ProcessSample(start_mono_s + 1, 0, 4000, 1, "python worker.py", start_mono_s, 500, None))
    with queue_writer(folder) as write_queue:
        counts = {"ready": 5, "unacked": 4, "waiting_elsewhere": 6}
        write_queue(**counts, redelivered=3, acked=2, delivered=9)
        write_queue(**counts, redelivered=0, acked=1, delivered=2)  # by a broker that was started again
    write_queues_left(folder, [QueueLeft("q.wait", QueueKind.WAITING, 1, ("b",))])
    gauge = {"mono_s": start_mono_s + 1, "executor_queue": 9, "in_flight": 8, "acked": 7, "nacked_requeue": 6}
    _append(folder.path / "worker_stats.jsonl", gauge | {"nacked_dropped": 5, "delivered": 99})
    with JournalWriter(folder.path / "publishes.jsonl") as journal:
        attempt = PublishLine(
            message_id="a",
            intended_mono_s=start_mono_s + 1,
            sent_mono_s=start_mono_s + 2,
            confirmed_mono_s=None,
            size_bytes=300,
            error=None,
        )
        journal.write(attempt)
        journal.write(attempt.ended(confirmed_mono_s=start_mono_s + 3, error=None))
    call = {"arrived_mono_s": start_mono_s + 4, "path": "/extract_facts", "message_id": "a", "attempt": 1}
    _append(
        folder.path / "calls.jsonl",
        call
        | {"mode": "answer", "status": 200, "duration_s": 0.5, "bytes_in": 9, "outcome": "answered"}
        | {"good": True, "primary": True},
    )
    folder.event(
        "worker_ended", incarnation=0, exit_status=0, oom_kill_delta=0, peak_cgroup_bytes=650, ended_by="harness"
    )
    folder.event("drain_ended", complete=True, waited_s=1.5, last_seen="0 ready")
    write_outcomes(folder, [Outcome("a", "PROCESSED", None, 0, None)])
    alert = {"alert_type": "EXTERNAL_API_TIMEOUT", "level": "HIGH", "message": "timed out", "sent_utc": "now"}
    _append(folder.path / "alerts.jsonl", alert | {"context": {"action": "marked_failed_no_requeue"}})
    (folder.logs / "worker-0.log").write_text("hello")


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run directory of one trial."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "run", "now")
    folder.path.mkdir()
    folder.write_manifest(MANIFEST, "{}")
    write_trial(folder.trial("incident", "before"), 1000.0)
    return folder.path


@pytest.fixture
def run(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(pristine, tmp_path / "run"))


def trial_of(run: Path) -> TrialRecord:
    """Return the one trial of the run."""
    (trial,) = read_run(run).trials
    return trial


def test_a_written_run_reads_back_value_by_value(run: Path) -> None:
    """Guarantees the way through the disk for everything that checkers and reports read, in replay time."""
    trial = trial_of(run)

    assert read_run(run).manifest == MANIFEST
    assert (trial.arm, trial.role, trial.limit, trial.planned_messages) == ("incident", "before", LIMIT, 2)
    assert trial.damaged == ()
    assert [span.name for span in trial.phases] == ["healthy"]
    (incarnation,) = trial.incarnations
    (kill,) = incarnation.kills
    assert kill == OomKill(kill.t_s, 4711, "python", first_process=False)
    ends = incarnation.started_s, incarnation.ended_s
    assert incarnation == Incarnation(
        0, 4000, *ends, 0, 0, 650, 700, EndedBy.HARNESS, (kill,), incarnation.terminated_s
    )
    assert incarnation.terminated_s is not None
    assert trial.processes == (ProcessSample(1.0, 0, 4000, 1, "python worker.py", 0.0, 500, None),)
    assert [seen.heartbeat_s for seen in trial.connections] == [60.0]
    assert [(span.key, span.in_force_s) for span in trial.faults] == [("healthy.0.0", None)]
    assert trial.queues == (QueueLeft("q.wait", QueueKind.WAITING, 1, ("b",)),)
    assert list(trial.memory.rss_bytes) == [500.0, 700.0]
    assert trial.memory.cgroup_bytes[0] == 600.0
    assert trial.memory.working_set_bytes[0] == 500.0
    assert list(trial.memory.own_bytes) == [500.0, 700.0]
    assert np.isnan(trial.memory.cgroup_bytes[1])
    assert list(trial.memory.incarnation) == [0, 0]
    sample, after_a_restart = trial.queue
    assert (after_a_restart.redelivered, after_a_restart.acked) == (3, 3)
    assert (sample.ready, sample.unacked, sample.redelivered, sample.acked) == (5, 4, 3, 2)
    assert (sample.waiting_elsewhere, after_a_restart.delivered) == (6, 11)
    assert trial.gauges == (WorkerGauge(1.0, 9, 8, 7, 6, 5),)
    assert trial.publishes == (Publish("a", 1.0, 2.0, 3.0, 300, None),)
    assert trial.calls == (
        DependencyCall("/extract_facts", "a", 1, "answer", 200, 4.0, 0.5, CallOutcome.ANSWERED, good=True),
    )
    assert trial.outcomes == (Outcome("a", "PROCESSED", None, 0, None),)
    (alert,) = trial.alerts
    assert (alert.alert_type, alert.level, alert.action) == ("EXTERNAL_API_TIMEOUT", "HIGH", "marked_failed_no_requeue")
    assert (alert.message, alert.context["action"]) == ("timed out", alert.action)
    assert trial.effective_prefetch == (10,)
    assert trial.drain == Drain(complete=True, waited_s=1.5, last_seen="0 ready")
    assert trial.links == (("incident: log of worker-0", "trials/incident/logs/worker-0.log"),)


def test_trials_come_in_the_order_in_which_they_were_played_before_first(tmp_path: Path) -> None:
    """Guarantees an order that does not depend on the disk: a copied run reads the same."""
    folder = RunFolder(tmp_path, "now")
    folder.write_manifest(MANIFEST, "{}")
    for name, role, start_mono_s in [("a", "after", 300.0), ("b", "profiled", 400.0), ("c", "after", 200.0)]:
        folder.trial(name, role).start(start_mono_s, planned_messages=0, limit=LIMIT)
    folder.trial("d", "before").start(500.0, planned_messages=0, limit=LIMIT)
    (tmp_path / "trials" / "stray.txt").write_text("no trial")

    assert [trial.arm for trial in read_run(tmp_path).trials] == ["d", "c", "a", "b"]


@pytest.mark.parametrize("name", FILES)
def test_a_torn_last_line_is_said_and_costs_only_itself(run: Path, name: str) -> None:
    """Guarantees that a number cut in two is never taken for a number: 524288 without its end is not 5242."""
    path = run / "trials" / "incident" / name
    whole = trial_of(run)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + lines[-1][:-2])

    torn = trial_of(run)

    (said,) = torn.damaged
    assert said.startswith(name)
    assert "torn" in said
    assert [len(getattr(torn, field)) for field in ("queue", "gauges", "publishes", "calls", "events")] == [
        len(getattr(whole, field)) for field in ("queue", "gauges", "publishes", "calls", "events")
    ]
    assert torn.memory.t_s.size == whole.memory.t_s.size


STRANGE_LINES = [b"not json", b"12", b'"text"', b"[1]", b"{}", b"null", b"\xff\xfe", b'{"mono_s": null}', b""]


@pytest.mark.parametrize("name", FILES)
def test_strange_lines_in_the_middle_are_counted_and_the_rest_is_kept(run: Path, name: str) -> None:
    """Guarantees that no line, whatever it holds, stops the reading."""
    path = run / "trials" / "incident" / name
    whole = trial_of(run)
    path.write_bytes(path.read_bytes() + b"".join(line + b"\n" for line in STRANGE_LINES))

    damaged = trial_of(run)

    assert damaged.damaged
    assert all(said.startswith(name) for said in damaged.damaged)
    assert damaged.queue == whole.queue
    assert damaged.gauges == whole.gauges
    assert damaged.publishes == whole.publishes
    assert damaged.calls == whole.calls
    assert damaged.events == whole.events
    assert list(damaged.memory.rss_bytes) == list(whole.memory.rss_bytes)


def test_how_many_lines_were_left_out_is_said(run: Path) -> None:
    """Guarantees the count, so that a reader can tell a tear from a ruin."""
    path = run / "trials" / "incident" / "calls.jsonl"
    path.write_bytes(path.read_bytes() + b"x\ny\nz\n")

    assert trial_of(run).damaged == ("calls.jsonl: 3 unreadable line(s) left out",)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_an_empty_series_not_damage(run: Path, name: str) -> None:
    """Guarantees that a run which was cut off early, or a worker that tells nothing of itself, can be judged."""
    (run / "trials" / "incident" / name).unlink()

    assert trial_of(run).damaged == ()


@pytest.mark.parametrize("name", ["trial.json", "outcomes.json"])
@pytest.mark.parametrize("content", [None, "", "{", "[]", "7", '{"arm": 1}', '[{"status": 1}]', "[" * 100_000])
def test_a_missing_or_bad_file_of_a_trial_is_said(run: Path, name: str, content: str | None) -> None:
    """Guarantees a record without what the file would have told, and a sentence that says so."""
    path = run / "trials" / "incident" / name
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")

    trial = trial_of(run)

    if (name, content) == ("outcomes.json", "[]"):
        assert trial.damaged == ()
    else:
        (said,) = trial.damaged
        assert said.startswith(name)
    assert trial.arm == "incident"
    assert len(trial.events) == 9


def test_a_trial_without_a_start_counts_from_its_first_event(run: Path) -> None:
    """Guarantees times that a chart can draw, where replay time zero was never written."""
    (run / "trials" / "incident" / "trial.json").unlink()

    trial = trial_of(run)

    assert trial.events[0].t_s == 0.0
    assert 0 <= trial.events[-1].t_s < 60
    assert (trial.role, trial.limit) == ("unknown", None)


def test_an_event_without_what_belongs_to_it_is_damage(run: Path) -> None:
    """Guarantees that phases are left out, not invented, and everything else is still read."""
    _append(run / "trials" / "incident" / "events.jsonl", {"mono_s": 1.0, "kind": "phase_entered"})

    trial = trial_of(run)

    assert trial.phases == ()
    assert len(trial.incarnations) == 1
    assert trial.damaged == ("events.jsonl: an event lacks what belongs to it (KeyError: 'phase')",)


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", "7", "{}", '{"command": 1}', '{"seed": 1}', "[" * 100_000, b"\xff"]
)
def test_without_a_manifest_it_is_no_run_directory(run: Path, content: str | bytes | None) -> None:
    """Guarantees exit 4 with a sentence for a wrong path, an empty folder or a manifest that means nothing."""
    (run / "manifest.json").unlink()
    if content is not None:
        (run / "manifest.json").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(RunDirectoryError, match="holds no manifest" if content is None else "is not a run directory"):
        read_run(run)


@pytest.mark.parametrize(("number", "remedy"), [(1, "commit 5694831"), (3, "the harness that wrote it")])
def test_a_run_directory_of_another_format_is_refused_with_what_reads_it(run: Path, number: int, remedy: str) -> None:
    """Guarantees that an old record is never taken for one of today, whose files mean something else."""
    document = json.loads((run / "manifest.json").read_text())
    assert document.pop("format") == 2
    (run / "manifest.json").write_text(json.dumps(document if number == 1 else {**document, "format": number}))

    with pytest.raises(RunDirectoryError, match=f"format {number}.*{remedy}"):
        read_run(run)


def test_a_path_that_is_no_run_is_no_run_directory(run: Path, tmp_path: Path) -> None:
    """Guarantees the same sentence for a missing folder, a file, and a run whose trials are gone."""
    shutil.rmtree(run / "trials")
    for path in (tmp_path / "nowhere", run / "manifest.json", run):
        with pytest.raises(RunDirectoryError, match="is not a run directory"):
            read_run(path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([*FILES, "trial.json", "outcomes.json"]), at=st.integers(0, 2000), junk=st.binary(max_size=20)
)
def test_a_file_overwritten_anywhere_by_anything_still_gives_a_record(
    pristine: Path, tmp_path: Path, name: str, at: int, junk: bytes
) -> None:
    """Guarantees that a stored run can always be read, whatever became of the files of its trials."""
    run = tmp_path / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(pristine, run)
    path = run / "trials" / "incident" / name
    data = path.read_bytes()
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])

    assert isinstance(trial_of(run), TrialRecord)
