"""``harness run SCENARIO``: play a scenario, judge it, write the report."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import asking
from harness.commands.playing import play_and_judge
from harness.rig.databases import SQLITE


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name (see 'harness list') or its file.")],
    arm: asking.Arms = None,
    mechanism: asking.Mechanism = None,
    seed: asking.Seed = None,
    time_scale: asking.TimeScale = None,
    env: asking.Env = None,
    small: asking.Small = False,
    profile: asking.Profile = False,
    limit: asking.LimitKind = "auto",
    broker_url: asking.BrokerUrl = None,
    broker_image: asking.BrokerImage = None,
    broker_timeout: asking.BrokerTimeout = None,
    proxy_image: asking.ProxyImage = None,
    management_port: asking.ManagementPort = 15672,
    database: asking.Database = SQLITE,
    allow_target: asking.AllowTarget = False,
    runs_dir: asking.RunsDir = asking.RUNS_DIR,
    as_json: asking.Json = False,
    dry_run: asking.DryRun = False,
) -> int:
    """Play a scenario's arms, one after the other, and judge them.

    \b
    Examples:
      harness run incident_1142
      harness run incident_1142 --mechanism M0            (exit 3: the report's configuration as written does not die)
      harness run scenarios/incident_1142.yaml --arm fixed --seed 7 --dry-run
      harness run incident_1142 --small --database postgres --broker-image rabbitmq:4-management
    """
    asked = asking.Asked(
        scenario,
        arm,
        mechanism,
        seed,
        time_scale,
        small,
        profile,
        limit,
        broker_url,
        management_port,
        allow_target,
        runs_dir,
        broker_image=broker_image,
        broker_timeout_s=broker_timeout,
        proxy_image=proxy_image,
        database=database,
        env=env,
    )
    return play_and_judge(asked.order(), as_json=as_json, dry_run=dry_run)
