"""``harness reproduce``: the 11:42 incident, before and after; what ``make reproduce-incident`` runs."""

from __future__ import annotations

from harness.commands import asking
from harness.commands.playing import play_and_judge

SCENARIO = "incident_1142"


def reproduce(
    mechanism: asking.Mechanism = None,
    seed: asking.Seed = None,
    time_scale: asking.TimeScale = None,
    profile: asking.Profile = False,
    limit: asking.LimitKind = "auto",
    runs_dir: asking.RunsDir = asking.RUNS_DIR,
    as_json: asking.Json = False,
    dry_run: asking.DryRun = False,
) -> int:
    """Replay the 11:42 incident: the worker as it was is OOM-killed, the fixed one holds. About four minutes.

    \b
    Examples:
      harness reproduce
      harness reproduce --profile
      harness reproduce --json > verdict.json
    """
    asked = asking.Asked(
        SCENARIO,
        None,
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
    )
    return play_and_judge(asked.order(), as_json=as_json, dry_run=dry_run)
