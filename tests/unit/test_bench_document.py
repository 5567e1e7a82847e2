"""bench.json: the keys that trend tools read."""

import json
from pathlib import Path
from typing import Any

from harness.bench.document import render_bench_json
from harness.bench.figure import Aim, BenchResult, Figure, compared
from harness.bench.suite import BenchReport

FIGURE_KEYS = {"name", "unit", "value", "baseline", "against", "ratio", "aim", "note", "met"}


def rendered(*results: BenchResult) -> dict[str, Any]:
    """Return the document of a report with these results."""
    report = BenchReport(
        Path("runs/bench/x"), "2026-01-01T11:42:04+00:00", True, {"cores": "2"}, {"pika": "1"}, results
    )
    document: dict[str, Any] = json.loads(render_bench_json(report))
    return document


def test_the_document_has_the_keys_of_the_reference() -> None:
    """Guarantees the schema: names, units, medians with their spread, the aim as an object, and ``met``."""
    figure = compared("bodies", "MB/s", [300.0, 310.0, 320.0], [600.0, 620.0, 640.0], against="direct loopback")
    document = rendered(BenchResult("dependency", 12.5, (figure,)))

    assert set(document) == {"schema_version", "started_utc", "quick", "machine", "versions", "benchmarks"}
    (benchmark,) = document["benchmarks"]
    assert set(benchmark) == {"name", "took_s", "error", "others_cpu_share", "figures"}
    (measured,) = benchmark["figures"]
    assert set(measured) == FIGURE_KEYS
    assert measured["value"] == {"median": 310.0, "low": 300.0, "high": 320.0, "repeats": 3}
    assert measured["ratio"]["median"] == 0.5
    assert measured["aim"] is None
    assert measured["met"] is None


def test_an_aim_and_its_outcome_are_machine_readable() -> None:
    """Guarantees that a tool can tell a missed aim from an unmeasured one without reading prose."""
    aim = Aim("ratio", "<=", 1.5)
    missed = compared("kill", "s", [20.0], [10.0], against="drain", aim=aim)
    unmeasured = Figure("kill", "s", None, aim=aim, note="no OOM kill was recorded")
    document = rendered(BenchResult("burst_to_kill", 60.0, (missed, unmeasured)))

    first, second = document["benchmarks"][0]["figures"]
    assert first["aim"] == {"of": "ratio", "relation": "<=", "bound": 1.5}
    assert (first["met"], second["met"]) == (False, None)
    assert second["value"] is None


def test_a_broken_benchmark_keeps_its_whole_sentence() -> None:
    """Guarantees that the error is in the document, with no figure beside it."""
    document = rendered(BenchResult("proxy", 1.0, error="the proxy did not come up", exit_code=4))

    assert document["benchmarks"][0]["error"] == "the proxy did not come up"
    assert document["benchmarks"][0]["figures"] == []
