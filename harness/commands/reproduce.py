"""``harness reproduce``: the 11:42 incident, before and after; what ``make reproduce-incident`` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.commands import options
from harness.commands.playing import play_and_judge

if TYPE_CHECKING:
    from harness.scenario.arms import Role

SCENARIO = "incident_1142"
# The two that answer whether it reproduces and whether the fix holds. The report's own fix takes as long again.
ROLES: tuple[Role, ...] = ("before", "after")


def reproduce(
    arm: options.Arms = None,
    mechanism: options.Mechanism = None,
    seed: options.Seed = None,
    time_scale: options.TimeScale = None,
    profile: options.Profile = False,
    limit: options.LimitKind = "auto",
    runs_dir: options.RunsDir = options.RUNS_DIR,
    as_json: options.Json = False,
    dry_run: options.DryRun = False,
) -> int:
    """Replay the 11:42 incident: the worker as it was is OOM-killed, the fixed one holds. About four minutes.

    The report's own fix, arm postmortem, is left out to keep to that; "harness run incident_1142" plays it too.

    \b
    Examples:
      harness reproduce
      harness reproduce --profile
      harness reproduce --json > verdict.json
    """
    asked = options.Asked(
        SCENARIO,
        arm,
        mechanism,
        seed,
        time_scale,
        False,
        profile,
        limit,
        None,
        15672,
        False,
        runs_dir,
        ROLES,
    )
    return play_and_judge(asked.order(), as_json=as_json, dry_run=dry_run)
