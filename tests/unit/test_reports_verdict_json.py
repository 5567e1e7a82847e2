"""verdict.json: complete, deterministic, and JSON that every parser takes."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from harness.record import MIB, Judgement, RunRecord, Verdict
from reports.for_machines.verdict_json import SCHEMA_VERSION, render_verdict_json
from tests.unit import reports_records as records


def read(run: RunRecord, judgement: Judgement) -> dict[str, Any]:
    """The text, parsed strictly: NaN and Infinity are not JSON."""
    loaded: dict[str, Any] = json.loads(
        render_verdict_json(run, judgement), parse_constant=lambda name: pytest.fail(f"{name} is not JSON")
    )
    return loaded


@pytest.mark.parametrize(("verdict", "exit_code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.UNKNOWN, 3)])
def test_the_verdict_and_its_exit_code_are_there_for_scripts(verdict: Verdict, exit_code: int) -> None:
    """Guarantees the two fields that a CI job reads, though make flattened the exit code."""
    document = read(records.run(), replace(records.judgement(), verdict=verdict))

    assert (document["verdict"], document["exit_code"]) == (verdict.value, exit_code)
    assert document["schema_version"] == SCHEMA_VERSION == 2


def test_the_evidence_of_a_kill_is_there_for_each_incarnation() -> None:
    """Guarantees exit status, counter and high-water marks, incarnation by incarnation, in bytes."""
    before, after = read(records.run(), records.judgement())["arms"]

    assert [incarnation["exit_status"] for incarnation in before["incarnations"]] == [137, 137, 0]
    assert [incarnation["oom_kill_delta"] for incarnation in before["incarnations"]] == [1, 1, 0]
    assert before["incarnations"][0]["peak_cgroup_bytes"] == before["incarnations"][0]["peak_bytes"] == 3000 * MIB
    assert before["limit"] == {
        "kind": "cgroup v1",
        "emulated": False,
        "limit_bytes": 3000 * MIB,
        "kills": "process",
        "scope_emulated": False,
    }
    assert after["incarnations"][0]["peak_rss_bytes"] == 181 * MIB
    assert after["drain"]["complete"] is True


def test_every_check_and_every_figure_is_there() -> None:
    """Guarantees that a trend tool finds each figure by its name, and each check with both values."""
    document = read(records.run(), records.judgement())

    assert [check["check"] for check in document["checks"]] == [check.check for check in records.checks()]
    assert document["checks"][4] == {
        "check": "memory_budget",
        "arm": "fixed",
        "verdict": "pass",
        "measured": "187 MiB",
        "threshold": "≤ 400 MiB",
        "detail": "",
    }
    assert document["metrics"]["incident.peak_mib"] == 3000.0


def test_the_same_run_gives_the_same_text_whatever_the_order_of_its_metrics() -> None:
    """Guarantees that two verdicts can be compared with diff."""
    judgement = records.judgement()
    turned = replace(judgement, metrics=dict(reversed(list(judgement.metrics.items()))))

    assert render_verdict_json(records.run(), judgement) == render_verdict_json(records.run(), turned)
    assert render_verdict_json(records.run(), judgement).endswith("}\n")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_is_null(value: float) -> None:
    """Guarantees that one NaN does not make the file unreadable."""
    document = read(records.run(), Judgement(Verdict.PASS, (), metrics={"a.b": value}))

    assert document["metrics"] == {"a.b": None}


def test_a_partial_run_has_a_verdict_too() -> None:
    """Guarantees nulls and empty lists where nothing was recorded, and what was damaged."""
    document = read(records.partial_run(), Judgement(Verdict.UNKNOWN, ()))

    (arm,) = document["arms"]
    assert (arm["limit"], arm["drain"], arm["incarnations"]) == (None, None, [])
    assert arm["damaged"] == ["events.jsonl: line 7 is cut off"]
