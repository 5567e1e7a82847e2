"""A gate's reports for the tests of its renderers: one green, one red, one without an answer. No test module itself."""

from dataclasses import replace

from harness.gate.comparison import compare
from harness.record import Verdict
from harness.record.gate import BASELINE, CANDIDATE, GateReport, Repeat

FIGURES = {"peak": 88.0, "peak_cgroup": 75.0, "kept": 23.0, "slope": 1.0, "throughput": 40.0}


def repeats(build: str, **changes: float) -> tuple[Repeat, ...]:
    """Return four repeats that differ by little, with figures replaced."""
    return tuple(
        Repeat(build, {name: value + number / 100 for name, value in {**FIGURES, **changes}.items()})
        for number in range(4)
    )


def report(**changes: float) -> GateReport:
    """Return the report of a gate whose candidate has these figures; green without any."""
    both = (*repeats(BASELINE), *repeats(CANDIDATE, **changes))
    comparisons = compare(both, {})
    return GateReport(
        run_id="20260101T114204Z-memory_gate-4c1f",
        scenario="memory_gate",
        started_utc="2026-01-01T11:42:04+00:00",
        verdict=Verdict.worst(each.verdict for each in comparisons),
        baseline="commit 0123456789ab",
        candidate="python <new>.py | sh",
        comparisons=comparisons,
        repeats=both,
        why_repeats="4 repeats of each build, as asked for",
        machine={"cores": "2", "kernel": "6.18"},
    )


GREEN = report()
RED = replace(
    report(peak=98.0),
    sites=("worker/service.py process: 0.0 MiB → 9.5 MiB (+9.5 MiB)",),
    sites_note="Allocation sites that hold more at the heap's peak.",
)
UNKNOWN = replace(GREEN, verdict=Verdict.UNKNOWN, problems=("baseline-02: queues drained: 7 ready; wanted nothing",))
