"""The last seconds of an incarnation: of a killed one, of a partial record, of a worker without a recorder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.commands.postmortem import _incarnation, _trial
from harness.errors import UsageError
from harness.record import MIB, EndedBy, Incarnation, MemorySeries, Role, RunRecord, TrialRecord
from harness.record.flight import Flight, FlightSample, StackGroup, StackSample
from harness.record.heap import HeapGroup, HeapSummary
from harness.store.flight_files import read_flight
from reports.analysis.postmortem import postmortem
from reports.text.postmortem import as_document, how_it_ended, postmortem_lines
from tests.unit import reports_records as records

KILL_S = 80.4
RUN = records.run()


def flight(until_s: float = KILL_S - 0.1) -> Flight:
    """A recorder that wrote once a second, its last line ``until_s``."""
    samples = tuple(
        FlightSample(
            t_s=until_s - back,
            memory={"rss": 3000 * MIB - back * 40 * MIB, "anon": 2900 * MIB, "cgroup": 3000 * MIB},
            executor_queue=900 - back * 10,
            in_flight=10,
            bodies=910 - back * 10,
            bodies_bytes=(910 - back * 10) * 3 * MIB,
            exceptions=7,
            call_ages_s=(4.0, 1.0),
            gc_count=(500, 3, 2),
            gc_collections=(90, 8, 1),
        )
        for back in range(40, -1, -1)
    )
    groups = (
        StackGroup(tuple(f"worker_{n}" for n in range(10)), ("httpcore/sync.py:128 read", "app/w.py:7 post")),
        StackGroup(("MainThread",), ("pika/select_connection.py:5 poll", "typer/main.py:9 call", "w/main.py:1 main")),
    )
    return Flight(samples, (StackSample(until_s - 0.5, groups),))


def text(trial: TrialRecord, incarnation: Incarnation, recorded: Flight) -> str:
    """The whole post-mortem as printed."""
    return "\n".join(postmortem_lines(postmortem(RUN, trial, incarnation, recorded), "run-1"))


def test_a_killed_incarnation_is_told_to_its_last_sample() -> None:
    """Guarantees how it ended with its evidence, thirty seconds, and samples within a second of the death."""
    trial = records.before_trial()
    found = postmortem(RUN, trial, trial.incarnations[0], flight())

    assert how_it_ended(found).startswith("killed by the kernel's OOM killer at 11:4")
    assert "exit status 137, the cgroup's oom_kill went up by 1" in how_it_ended(found)
    assert [round(row.before_end_s) for row in found.rows[:-1]] == list(range(30, 0, -1))
    assert found.rows[-1].before_end_s < 0.2
    assert found.inside_before_end_s is not None
    assert found.inside_before_end_s < 1
    last = found.rows[-1]
    assert (last.executor_queue, last.in_flight, last.bodies, last.exceptions) == (900, 10, 910, 7)
    assert last.full_collections == 1


def test_ages_of_calls_are_told_as_timeouts_count() -> None:
    """Guarantees that a call's age can be compared with its timeout: four real seconds are eighty at ×20.

    However fast the clock of the phase goes: the last one's goes at ×5, and timeouts do not follow it.
    """
    trial = records.before_trial()
    assert RUN.manifest.time_scale == 20
    assert postmortem(RUN, trial, trial.incarnations[0], flight()).rows[-1].oldest_call_s == pytest.approx(80.0)


def test_what_memray_found_in_the_same_incarnation_of_the_repeat_is_told() -> None:
    """Guarantees that the rest is told apart where it can be, and how to have it told where it can't."""
    trial = records.before_trial()
    groups = (HeapGroup("message bodies", 2500 * MIB, 0), HeapGroup("parsed logs", 110 * MIB, 0))
    heap = HeapSummary(0, killed=True, end_bytes=2610 * MIB, peak_bytes=0, groups=groups)
    twin = replace(trial, arm=f"{trial.arm}-profiled", role=Role.PROFILED, heaps=(heap,))
    found = postmortem(RunRecord(RUN.manifest, (trial, twin)), trial, trial.incarnations[0], flight())

    printed = "\n".join(postmortem_lines(found, "run-1"))
    assert "under memray:\n    2500 MiB  message bodies\n     110 MiB  parsed logs\n" in printed
    assert "harness run … --profile" in text(trial, trial.incarnations[0], flight())


def test_the_text_names_growth_holders_and_stacks() -> None:
    """Guarantees what an engineer on call looks for: how fast, what held the memory, where the threads hung."""
    trial = records.before_trial()
    printed = text(trial, trial.incarnations[0], flight())

    assert "MiB/s over the last 10 s" in printed
    assert "900 message bodies that wait in the executor's queue" in printed
    assert "90%  900 message bodies" in printed
    assert "10 × worker_0, worker_1, worker_2, worker_3 and 6 more" in printed
    assert "typer/" not in printed
    assert printed.index("httpcore/sync.py:128 read") < printed.index("app/w.py:7 post")
    assert all(len(line) <= 140 for line in printed.splitlines())


def test_what_nobody_recorded_is_said_and_never_guessed() -> None:
    """Guarantees that a worker without a recorder has a post-mortem: memory and broker, and dashes for the rest."""
    trial = records.before_trial()
    found = postmortem(RUN, trial, trial.incarnations[0], Flight())

    assert found.rows[-1].rss_bytes is not None
    assert found.rows[-1].broker_ready is not None
    assert found.rows[-1].executor_queue is None
    printed = text(trial, trial.incarnations[0], Flight())
    assert "no flight was recorded" in printed
    assert "what held it: not recorded" in printed
    assert "where its threads were: not recorded" in printed


def test_an_incarnation_without_a_recorded_end_counts_back_from_its_last_sample() -> None:
    """Guarantees an answer for a run that was cut off together with its harness."""
    trial = records.before_trial()
    incarnation = replace(
        trial.incarnations[0], ended_s=None, exit_status=None, oom_kill_delta=0, ended_by=EndedBy.UNKNOWN
    )
    printed = text(trial, incarnation, flight())

    assert "the end of this incarnation was not recorded" in printed
    assert "the record breaks off" in printed


def test_an_incarnation_without_any_sample_is_no_crash() -> None:
    """Guarantees words for a worker that died before the first look at it, of a trial that never began."""
    incarnation = Incarnation(0, 1, 0.0, 0.1, 1, 0, None, None, EndedBy.ITSELF)
    trial = TrialRecord("fixed", Role.AFTER, None, incarnations=(incarnation,), memory=MemorySeries.empty())
    assert "growth of the resident set: not recorded" in text(trial, incarnation, Flight())
    assert json.loads(as_document(postmortem(RUN, trial, incarnation, Flight()), "run-1"))["rows"] == []


def test_the_first_incarnation_that_was_killed_is_chosen_and_another_can_be_named() -> None:
    """Guarantees the question that is meant without options, and that a wrong name is answered with the right ones."""
    run = records.run()
    trial = _trial(run, None)
    assert (trial.arm, _incarnation(run, trial, None).index, _incarnation(run, trial, 1).index) == ("incident", 0, 1)
    after = _trial(run, "fixed")
    assert _incarnation(run, after, None) == after.incarnations[-1]
    with pytest.raises(UsageError, match="--arm nobody: the run has no such arm; it has: incident"):
        _trial(run, "nobody")
    with pytest.raises(
        UsageError, match="--incarnation 9: the worker of arm incident has no such incarnation; it has: 0, 1, 2"
    ):
        _incarnation(run, trial, 9)
    with pytest.raises(UsageError, match="it has: none"):
        _trial(RunRecord(run.manifest, ()), None)


def test_both_files_of_the_ring_are_read_and_a_torn_line_is_said(tmp_path: Path) -> None:
    """Guarantees that what a SIGKILL tears costs one line, and that the older file comes first."""
    sample = {"kind": "sample", "mono_s": 12.0, "rss": 5, "bodies": 2, "gc_count": [1, 2, 3]}
    (tmp_path / "7-1.jsonl").write_text(json.dumps(sample | {"mono_s": 11.0}) + "\n")
    (tmp_path / "7-0.jsonl").write_text(json.dumps(sample) + '\n{"kind":"sam')
    found = read_flight(tmp_path, 7, 10.0)

    assert [sample.t_s for sample in found.samples] == [1.0, 2.0]
    assert found.samples[0].memory == {"rss": 5}
    assert not found.from_outside
    assert found.damaged == ("7-0.jsonl: its last line is torn and was left out",)
    assert read_flight(tmp_path, 8, 10.0) == Flight()


def test_a_record_from_outside_is_read_where_there_is_no_ring(tmp_path: Path) -> None:
    """Guarantees that a worker that isn't ours has its stacks, and that the reader says who recorded them."""
    stacks = {"kind": "stacks", "mono_s": 11.0, "groups": [{"threads": ["a"], "frames": ["x.py:1 f"]}]}
    (tmp_path / "7-outside.jsonl").write_text(json.dumps(stacks) + "\n")
    found = read_flight(tmp_path, 7, 10.0)

    assert found.from_outside
    assert found.stacks == (StackSample(1.0, (StackGroup(("a",), ("x.py:1 f",)),)),)
