"""``harness reproduce``: the incident, before and after; what ``make reproduce-incident`` runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.commands.steps.options import TYPED, order_of, takes
from harness.commands.steps.playing import play_and_judge
from harness.incidents import incident
from harness.options import Options

if TYPE_CHECKING:
    from harness.scenario.arms import Role

# The two that answer whether it reproduces and whether the fix holds. The report's own fix takes as long again.
ROLES: tuple[Role, ...] = ("before", "after")
_TYPED = ("arm", "mechanism", "seed", "time_scale", "profile", "limit", "runs_dir", "as_json", "dry_run")


@takes(Options, {name: TYPED[name] for name in _TYPED})
def reproduce(options: Options) -> int:
    """Replay the 11:42 incident: the worker as it was is OOM-killed, the fixed one holds. About four minutes.

    The report's own fix, arm postmortem, is left out to keep to that; "harness run incident_1142" plays it too.

    \b
    Examples:
      harness reproduce
      harness reproduce --profile
      harness reproduce --json > verdict.json
    """
    return play_and_judge(order_of(replace(options, scenario=str(incident().scenario), roles=ROLES)))
