"""``harness validate SCENARIO``: is the file a scenario? Every fault with its field."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.steps.output import results
from harness.scenario import find_scenario, load_scenario


def validate(scenario: Annotated[str, typer.Argument(help="A scenario's name or its file.")]) -> int:
    """Check a scenario file; exit 2 with every fault named. Starts nothing.

    \b
    Examples:
      harness validate incident_1142
      harness validate my-scenario.yaml
    """
    path = find_scenario(scenario)
    found = load_scenario(path)
    results().print(f"{path}: valid; {len(found.timeline)} phases, arms {', '.join(found.arms)}", markup=False)
    return 0
