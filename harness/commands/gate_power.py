"""``harness gate-power``: how often the gate raises a false alarm, and how often it finds what was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.steps.output import results
from harness.gate.power import PILOT
from harness.gate.shown import SETS, load_recorded, shares
from harness.machine import checkout

RECORDED = checkout() / "docs" / "explanation" / "memory-gate-repeats.json"

File = Annotated[Path, typer.Argument(help="Recorded repeats; those of docs/explanation/memory-gate.md by default.")]
Repeats = Annotated[int, typer.Option(help="Repeats of each build in one gate.")]
Sets = Annotated[int, typer.Option(help="How many gates to draw.")]


def gate_power(file: File = RECORDED, repeats: Repeats = PILOT, sets: Sets = SETS) -> int:
    """Play the gate's rule on recorded repeats, thousands of times. Starts nothing; half a minute.

    \b
    Examples:
      harness gate-power
      harness gate-power --repeats 6
    """
    recorded = load_recorded(file)
    console = results()
    real = ", ".join(f"{found['peak'].size} with {name}" for name, found in recorded.real.items())
    console.print(f"{recorded.repeats} recorded repeats of the worker as it is; {real or 'none planted'}", markup=False)
    console.print("recorded on: " + ", ".join(f"{name} {value}" for name, value in recorded.machine.items()))
    console.print(f"gates of {repeats} repeats of each build; red:")
    for share in shares(recorded, repeats, sets):
        by = ", ".join(f"{name} {count}" for name, count in share.by_metric.items() if count)
        part = f"{share.red} of {share.sets}"
        console.print(f"  {share.case:<45} {part:>13}  {share.red / share.sets:6.1%}  {by}", markup=False)
    return 0
