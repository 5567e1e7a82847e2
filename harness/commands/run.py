"""``harness run SCENARIO``: play a scenario, judge it, write the report."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import options
from harness.commands.playing import play_and_judge
from harness.environment.database.databases import SQLITE


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario's name (see 'harness list') or its file.")],
    arm: options.Arms = None,
    mechanism: options.Mechanism = None,
    seed: options.Seed = None,
    time_scale: options.TimeScale = None,
    env: options.Env = None,
    small: options.Small = False,
    profile: options.Profile = False,
    limit: options.LimitKind = "auto",
    broker_url: options.BrokerUrl = None,
    broker_image: options.BrokerImage = None,
    broker_timeout: options.BrokerTimeout = None,
    proxy_image: options.ProxyImage = None,
    management_port: options.ManagementPort = 15672,
    database: options.Database = SQLITE,
    allow_target: options.AllowTarget = False,
    runs_dir: options.RunsDir = options.RUNS_DIR,
    as_json: options.Json = False,
    dry_run: options.DryRun = False,
) -> int:
    """Play a scenario's arms, one after the other, and judge them.

    \b
    Examples:
      harness run incident_1142
      harness run incident_1142 --mechanism M0            (exit 3: the report's configuration as written does not die)
      harness run scenarios/incident_1142.yaml --arm fixed --seed 7 --dry-run
      harness run incident_1142 --small --database postgres --broker-image rabbitmq:4-management
    """
    asked = options.Asked(
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
