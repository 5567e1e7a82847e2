"""``harness list``: the scenarios that come with the harness, each with its claim; and the latest run."""

from __future__ import annotations

import json

from harness.commands import asking
from harness.commands.output import results
from harness.scenario import list_scenarios as scenario_files
from harness.scenario import load_scenario


def list_scenarios(as_json: asking.Json = False) -> int:
    """List the scenarios with what each claims.

    \b
    Examples:
      harness list
      harness list --json
    """
    found = {path.stem: load_scenario(path) for path in scenario_files()}
    console = results()
    if as_json:
        listing = [{"name": name, "claim": each.claim, "arms": list(each.arms)} for name, each in found.items()]
        console.print(json.dumps(listing, indent=2, ensure_ascii=False), markup=False)
        return 0
    for name, each in found.items():
        console.print(f"{name}: {each.claim}", markup=False)
    return 0
