"""A small valid scenario as plain data, for the tests of scenarios, checkers and faults to change and to write down.

No test module itself. Times, sizes and names are round numbers, so that a test can compute with them in its head.
"""

import copy
from pathlib import Path
from typing import Any

import yaml

from harness.scenario import Scenario, load_scenario

_DOCUMENT: dict[str, Any] = {
    "name": "drill",
    "claim": "a drill that claims nothing at all",
    "seed": 7,
    "time_scale": 10,
    "memory_limit": "1000 MiB",
    "messages": {"size_min": "1 MB", "size_max": "2 MB"},
    "timeline": [
        {"phase": "healthy", "from": "11:00:00", "to": "11:01:40", "arrivals": "6/min"},
        {
            "phase": "hanging",
            "from": "11:01:40",
            "to": "11:03:20",
            "dependency": {"default": {"mode": "hang_then_500", "seconds": "60s"}},
        },
        {
            "phase": "burst",
            "from": "11:03:20",
            "to": "11:03:40",
            "time_scale": 1,
            "arrivals": {"burst": 40, "over": "10s"},
        },
        {
            "phase": "recovery",
            "from": "11:03:40",
            "to": "11:05:00",
            "dependency": {"default": {"mode": "answer", "latency": "healthy"}},
            "ends_when": {"drained": True},
        },
    ],
    "restarts": {"backoff": "10s", "limit": 3},
    "arms": {
        "incident": {
            "role": "before",
            "worker": {"preset": "incident", "mechanism": "M1"},
            "timers": {"MEMORY_API_TIMEOUT_SECONDS": "240s"},
            "env": {"LLM_ANALYSIS_ENABLED": "true"},
            "expect": {
                "oom_killed": {"kills": 1, "restarts": 1},
                "effective_prefetch": {"equals": 0},
                "returns_to_healthy": {"at_most": "200 MiB"},
                "fidelity": {"typical_factor_at_most": 2},
            },
        },
        "fixed": {
            "role": "after",
            "worker": {"preset": "fixed", "without": ["clean_up"]},
            "expect": {
                "never_killed": {},
                "memory_budget": {"peak_at_most": "400 MiB"},
                "memory_growth": {"per_1000_at_most": "100 MiB"},
                "returns_to_baseline": {"baseline": "healthy", "above_at_most": "20 MiB"},
                "hung_calls_budget": {"calls_at_least": 1, "peak_at_most": "200 MiB"},
                "all_accounted": {},
                "failures_recorded": {"calls_per_message_at_most": 4},
                "throughput": {"against": "incident", "at_least": 3, "during": ["hanging", "burst"]},
            },
        },
    },
    "reported": {
        "points": [
            {"at": "11:02:00", "memory_min": "400 MB", "memory_max": "500 MB", "queue": "20", "exceptions": "10"},
            {"at": "11:03:30", "memory_min": "900 MB", "memory_max": "1000 MB"},
        ],
        "metrics": [{"metric": "throughput", "before": "0.04", "after": "0.17", "measure": "throughput"}],
    },
}


def document(**changes: Any) -> dict[str, Any]:
    """Return the document, free to change, with ``changes`` of its first level made."""
    return {**copy.deepcopy(_DOCUMENT), **changes}


def arms_of(scenario: dict[str, Any], **expected: Any) -> dict[str, Any]:
    """Return the arms of a document; ``expected`` replaces what single arms expect."""
    arms: dict[str, Any] = scenario["arms"]
    for name, expect in expected.items():
        arms[name]["expect"] = expect
    return arms


def written(folder: Path, data: object) -> Path:
    """Write ``data`` as YAML into ``folder`` and return the file."""
    path = folder / "drill.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def scenario_of(folder: Path, **changes: Any) -> Scenario:
    """Return the scenario in the document with ``changes``, read back from a file."""
    return load_scenario(written(folder, document(**changes)))
