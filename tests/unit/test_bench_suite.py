"""The bench as a whole: which benchmarks run, what becomes of one that breaks, and the exit code."""

import json
import tempfile
from pathlib import Path

import pytest

from harness.bench import suite
from harness.bench.environment import BenchEnvironment
from harness.bench.figure import Aim, Figure, alone
from harness.bench.suite import BENCHMARKS, chosen, run_bench
from harness.commands.bench import bench
from harness.errors import NotEnforceableError, PartFailedError, UsageError
from harness.narration import Silence


@pytest.fixture(autouse=True)
def state_folders_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the sweep and the run scopes of these tests away from the user's own runs."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def missing_its_aim(_environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Stand in for a benchmark: measured, and worse than it should be."""
    return (alone("cost", "%", [9.0], aim=Aim("value", "<=", 2.0)),)


def breaking(_environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Stand in for a benchmark whose part breaks."""
    raise PartFailedError("the part ended with status 1")


def refused(_environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Stand in for a benchmark that needs what this machine can't enforce."""
    raise NotEnforceableError("no limit here")


def test_without_names_all_benchmarks_run_in_their_order() -> None:
    """Guarantees the six benchmarks, and that the incident is played first, while nothing else has run."""
    assert chosen(()) == ("burst_to_kill", "publisher", "dependency", "proxy", "sampler", "collector_price")


def test_named_benchmarks_run_once_each_in_their_own_order() -> None:
    """Guarantees that the order and the number of --only options do not matter."""
    assert chosen(["proxy", "publisher", "proxy"]) == ("publisher", "proxy")


def test_an_unknown_name_is_a_usage_error_that_lists_the_names() -> None:
    """Guarantees exit code 2, the offending value, and what would have been right; nothing is started."""
    with pytest.raises(UsageError, match="--only prxoy") as refusal:
        bench(only=["proxy", "prxoy"])

    assert refusal.value.exit_code == 2
    assert all(name in str(refusal.value) for name in BENCHMARKS)


def test_a_missed_aim_fails_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Guarantees exit code 0 for a benchmark that was measured, whatever it measured."""
    monkeypatch.setitem(suite.BENCHMARKS, "sampler", missing_its_aim)

    report = run_bench(["sampler"], tmp_path / "runs", Silence(), quick=True)

    assert report.results[0].figures[0].met is False
    assert report.exit_code == 0


def test_a_broken_part_is_recorded_and_the_next_benchmark_still_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guarantees that one broken part costs its own figures only, and shows in the exit code: that of its error."""
    monkeypatch.setitem(suite.BENCHMARKS, "dependency", refused)
    monkeypatch.setitem(suite.BENCHMARKS, "proxy", breaking)
    monkeypatch.setitem(suite.BENCHMARKS, "sampler", missing_its_aim)

    report = run_bench(["dependency", "proxy", "sampler"], tmp_path / "runs", Silence(), quick=True)

    assert [result.error for result in report.results] == ["no limit here", "the part ended with status 1", None]
    assert report.exit_code == NotEnforceableError.exit_code


def test_the_machine_and_its_load_are_part_of_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Guarantees that figures come with what they were measured on, and how busy that was."""
    monkeypatch.setitem(suite.BENCHMARKS, "sampler", missing_its_aim)

    report = run_bench(["sampler"], tmp_path / "runs", Silence(), quick=True)

    assert {"kernel", "cores", "memory", "processor", "load before"} <= set(report.machine)
    assert "pika" in report.versions


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_the_result_and_keeps_it_as_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """Guarantees a table or one JSON document on standard output, progress elsewhere, and a bench.json kept."""
    monkeypatch.setitem(suite.BENCHMARKS, "sampler", missing_its_aim)

    status = bench(only=["sampler"], quick=True, runs_dir=tmp_path, as_json=as_json)

    said = capsys.readouterr()
    kept = json.loads((tmp_path / "bench" / "latest" / "bench.json").read_text(encoding="utf-8"))
    assert status == 0
    assert "benchmark sampler" in said.err
    if as_json:
        assert json.loads(said.out) == kept
    else:
        assert said.out.startswith("benchmark  figure")
        assert "measured on: kernel" in said.out
