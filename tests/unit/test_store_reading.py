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
    Alert,
    CallOutcome,
    DependencyCall,
    Drain,
    EndedBy,
    Incarnation,
    Limit,
    Manifest,
    Outcome,
    Publish,
    ReportedMetric,
    ReportedPoint,
    TrialRecord,
    WorkerGauge,
)
from harness.store import RunFolder, TrialFolder, read_run, write_atomically
from harness.store.publish_journal import JournalWriter, PublishLine

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
    "alerts.jsonl",
]


def write_trial(folder: TrialFolder, start_mono_s: float) -> None:
    """Write all that one trial leaves, with its replay time zero."""
    folder.start(start_mono_s, planned_messages=2, limit=LIMIT)
    folder.event("worker_started", incarnation=0, pid=4000)
    folder.event("phase_entered", phase="healthy", from_tod_s=100.0, to_tod_s=200.0, scale=10.0)
    folder.event("consumer_seen", prefetch_count=10, incarnation=0)
    with folder.series("memory", ("incarnation", "rss_bytes", "cgroup_bytes")) as memory:
        memory.add(0, 500, 600)
        memory.add(0, 700, None)
    with folder.series("queue", ("ready", "unacked", "redelivered", "acked")) as queue:
        queue.add(5, 4, 3, 2)
        queue.add(5, 4, 0, 1)  # by a broker that was started again
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
        call | {"mode": "answer", "status": 200, "duration_s": 0.5, "bytes_in": 9, "outcome": "answered"},
    )
    folder.event(
        "worker_ended", incarnation=0, exit_status=0, oom_kill_delta=0, peak_cgroup_bytes=650, ended_by="harness"
    )
    folder.event("drain_ended", complete=True, waited_s=1.5, last_seen="0 ready")
    rows = [{"message_id": "a", "status": "PROCESSED", "error_code": None, "retry_count": 0}]
    write_atomically(folder.path / "outcomes.json", json.dumps([{**rows[0], "next_attempt_at": None}]))
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
    assert incarnation == Incarnation(
        0, 4000, incarnation.started_s, incarnation.ended_s, 0, 0, 650, 700, EndedBy.HARNESS
    )
    assert list(trial.memory.rss_bytes) == [500.0, 700.0]
    assert trial.memory.cgroup_bytes[0] == 600.0
    assert np.isnan(trial.memory.cgroup_bytes[1])
    assert list(trial.memory.incarnation) == [0, 0]
    sample, after_a_restart = trial.queue
    assert (after_a_restart.redelivered, after_a_restart.acked) == (3, 3)
    assert (sample.ready, sample.unacked, sample.redelivered, sample.acked) == (5, 4, 3, 2)
    assert trial.gauges == (WorkerGauge(1.0, 9, 8, 7, 6, 5),)
    assert trial.publishes == (Publish("a", 1.0, 2.0, 3.0, 300, None),)
    assert trial.calls == (
        DependencyCall("/extract_facts", "a", 1, "answer", 200, 4.0, 0.5, CallOutcome.ANSWERED, good=True),
    )
    assert trial.outcomes == (Outcome("a", "PROCESSED", None, 0, None),)
    assert trial.alerts == (Alert("EXTERNAL_API_TIMEOUT", "HIGH", "marked_failed_no_requeue", message="timed out"),)
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
    assert len(trial.events) == 5


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
