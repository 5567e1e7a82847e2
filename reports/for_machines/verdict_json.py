"""Renders ``verdict.json``, the verdict for other programs.

The schema is versioned: within a version fields are only added. Used by ``harness.commands``. Holds nothing that the
record and the judgement do not; the report's tables are for people and are not in it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from reports.verdict_words import reason

if TYPE_CHECKING:
    from harness.record import CheckResult, Judgement, QueueLeft, RunRecord, TrialRecord

SCHEMA_VERSION = 2  # 2: "metrics" was "figures"; incarnations list their kills


def render_verdict_json(run: RunRecord, judgement: Judgement) -> str:
    """Return JSON text that ends in a newline; the same input gives the same text. A metric that is NaN is null."""
    manifest = run.manifest
    document = {
        "schema_version": SCHEMA_VERSION,
        "verdict": judgement.verdict.value,
        "exit_code": judgement.verdict.exit_code,
        "reason": reason(run, judgement),
        "run": {
            "run_id": manifest.run_id,
            "scenario": manifest.scenario,
            "seed": manifest.seed,
            "time_scale": manifest.time_scale,
            "started_utc": manifest.started_utc,
            "limit_bytes": manifest.limit_bytes,
        },
        "checks": [_check(result) for result in judgement.checks],
        "metrics": {name: _finite(value) for name, value in sorted(judgement.metrics.items())},
        "arms": [_arm(trial) for trial in run.trials],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _check(result: CheckResult) -> dict[str, object]:
    return {
        "check": result.check,
        "arm": result.arm,
        "verdict": result.verdict.value,
        "measured": result.measured,
        "threshold": result.threshold,
        "detail": result.detail,
    }


def _arm(trial: TrialRecord) -> dict[str, object]:
    return {
        "arm": trial.arm,
        "role": trial.role,
        "limit": None if trial.limit is None else asdict(trial.limit),
        "incarnations": [
            asdict(incarnation) | {"peak_bytes": incarnation.peak_bytes} for incarnation in trial.incarnations
        ],
        "channels": [asdict(seen) | {"holds_at_most": seen.holds_at_most} for seen in trial.channels],
        "queues": None if trial.queues is None else [_queue(left) for left in trial.queues],
        "drain": None if trial.drain is None else asdict(trial.drain),
        "damaged": list(trial.damaged),
    }


def _queue(left: QueueLeft) -> dict[str, object]:
    return {"name": left.name, "kind": left.kind, "messages": left.messages}


def _finite(value: float) -> float | None:
    """Return the metric; JSON has no word for NaN or infinity."""
    return value if math.isfinite(value) else None
