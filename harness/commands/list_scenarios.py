"""``harness list``: the scenarios that come with the harness, each with its claim; or what they may name.

That is checks and faults, read off their registries. It plays nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from harness.checkers.described import describe_checks
from harness.commands.steps import options
from harness.commands.steps.output import results
from harness.errors import UsageError
from harness.faults.described import TIMES_IN_WORDS, describe_faults
from harness.scenario import list_scenarios as scenario_files
from harness.scenario import load_scenario


def list_scenarios(
    checks: options.Checks = False, faults: options.Faults = False, as_json: options.Json = False
) -> int:
    """List the scenarios with what each claims, or the checks with their thresholds, or the faults with their settings.

    \b
    Examples:
      harness list
      harness list --json
      harness list --checks
      harness list --faults
    """
    if checks and faults:
        raise UsageError("--checks and --faults are two lists; ask for one")
    if checks:
        return _list_checks(as_json=as_json)
    if faults:
        return _list_faults(as_json=as_json)
    found = {path.stem: load_scenario(path) for path in scenario_files()}
    console = results()
    if as_json:
        listing = [{"name": name, "claim": each.claim, "arms": list(each.arms)} for name, each in found.items()]
        console.print(json.dumps(listing, indent=2, ensure_ascii=False), markup=False)
        return 0
    for name, each in found.items():
        console.print(f"{name}: {each.claim}", markup=False)
    return 0


def _list_checks(*, as_json: bool) -> int:
    console = results()
    described = describe_checks()
    if as_json:
        console.print(json.dumps([asdict(each) for each in described], indent=2, ensure_ascii=False), markup=False)
        return 0
    for each in described:
        console.print(f"{each.key or each.name} (of {each.arms}): {each.meaning}", markup=False)
        for threshold in each.thresholds:
            otherwise = f"; {threshold.otherwise} when left out" if threshold.otherwise else ""
            console.print(f"    {threshold.name}: {threshold.form}{otherwise}", markup=False)
    return 0


def _list_faults(*, as_json: bool) -> int:
    console = results()
    described = describe_faults()
    if as_json:
        console.print(json.dumps([asdict(each) for each in described], indent=2, ensure_ascii=False), markup=False)
        return 0
    for each in described:
        console.print(f"{each.name} ({each.part}): {each.meaning}", markup=False)
        for setting in each.settings:
            console.print(f"    {setting.name}: {setting.form}{setting.otherwise}", markup=False)
    console.print(f"every fault: {TIMES_IN_WORDS}", markup=False)
    return 0
