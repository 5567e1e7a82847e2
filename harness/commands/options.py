"""From the options that ``run`` and ``reproduce`` share to an order. Checks what the user typed; starts nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.campaign import Order
from harness.environment.broker.broker import accepted_url
from harness.environment.database.databases import SQLITE, accepted_database
from harness.environment.memory_limit.chooser import KINDS
from harness.errors import UsageError
from harness.redaction import masked, masked_environment
from harness.scenario import find_scenario, load_scenario
from harness.scenario.overrides import Overrides, overridden
from harness.scenario.redacted import check_nothing_hidden
from harness.trial.subject import check_commands

if TYPE_CHECKING:
    from harness.scenario import Scenario
    from harness.scenario.arms import Role

RUNS_DIR = Path("runs")

Arms = Annotated[list[str] | None, typer.Option("--arm", help="Play only this arm; may be given more than once.")]
Mechanism = Annotated[
    str | None, typer.Option(help="The incident's mechanism in the 'before' arms: M0, M1, M2 or M1+M2.")
]
Seed = Annotated[int | None, typer.Option(help="Another seed than the scenario's.")]
TimeScale = Annotated[float | None, typer.Option(help="Incident seconds per real second; the scenario's by default.")]
Env = Annotated[
    list[str] | None, typer.Option("--env", help="NAME=VALUE for every arm's worker; may be given more than once.")
]
Small = Annotated[
    bool, typer.Option("--small", help="A tenth of the messages' bytes, limits to match: for quick tests.")
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Repeat every arm under memray; the repeats carry no verdict.")
]
LimitKind = Annotated[
    str, typer.Option("--limit", help="How memory is limited: auto, cgroup-v2, cgroup-v1, watchdog (emulated).")
]
BrokerUrl = Annotated[str | None, typer.Option(help="A broker of yours: amqp://user:password@host:port/vhost.")]
ManagementPort = Annotated[int, typer.Option(help="The management API's port on that broker's host.")]
AllowTarget = Annotated[
    bool, typer.Option("--allow-target", help="Let the load go to a broker or a database that is not on this machine.")
]
BrokerImage = Annotated[
    str | None, typer.Option(help="RabbitMQ as a container of this image, e.g. rabbitmq:4-management.")
]
BrokerTimeout = Annotated[
    float | None, typer.Option(min=1.0, help="Seconds that the run's own broker may take to come up; 60 by default.")
]
ProxyImage = Annotated[
    str | None, typer.Option(help="Toxiproxy as a container of this image, e.g. the official one of 2.12.0.")
]
Database = Annotated[
    str, typer.Option(help="sqlite, postgres (a private server), or postgresql://user:password@host:port/database.")
]
RunsDir = Annotated[Path, typer.Option(help="Where run directories are made.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Checks = Annotated[bool, typer.Option("--checks", help="The checks that an arm may expect, with their thresholds.")]
Faults = Annotated[bool, typer.Option("--faults", help="The faults that a scenario may name, with their settings.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; start nothing.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """The shared options, as typed."""

    scenario: str
    arms: list[str] | None
    mechanism: str | None
    seed: int | None
    time_scale: float | None
    small: bool
    profile: bool
    limit_kind: str
    broker_url: str | None
    management_port: int
    allow_target: bool
    runs_dir: Path
    roles: tuple[Role, ...] = ()  # where no arm is named: those that play; empty is all
    broker_image: str | None = None
    proxy_image: str | None = None
    broker_timeout_s: float | None = None
    database: str = SQLITE
    env: list[str] | None = None

    def order(self) -> Order:
        """Return the order. Raises ScenarioError, UsageError, RefusedTargetError."""
        if self.broker_url is not None:
            accepted_url(self.broker_url, allow_target=self.allow_target)
        if self.broker_url is not None and self.broker_image is not None:
            raise UsageError("--broker-url and --broker-image name two brokers; keep one")
        accepted_database(self.database, allow_target=self.allow_target)
        if self.limit_kind not in KINDS:
            raise UsageError(f"--limit {self.limit_kind}: there are {', '.join(KINDS)}")
        scenario = self._scenario()
        check_nothing_hidden(scenario)
        check_commands(scenario)
        return Order(
            scenario=scenario,
            runs_dir=self.runs_dir,
            command=("harness", *(_kept(word) for word in sys.argv[1:])),
            profile=self.profile,
            limit_kind=self.limit_kind,
            broker_url=self.broker_url,
            broker_image=self.broker_image,
            proxy_image=self.proxy_image,
            broker_timeout_s=self.broker_timeout_s,
            management_port=self.management_port,
            allow_target=self.allow_target,
            database=self.database,
        )

    def _scenario(self) -> Scenario:
        overrides = Overrides(
            arms=tuple(self.arms or ()),
            roles=self.roles,
            mechanism=self.mechanism,
            seed=self.seed,
            time_scale=self.time_scale,
            env=tuple(_variable(text) for text in self.env or ()),
            small=self.small,
        )
        return overridden(load_scenario(find_scenario(self.scenario)), overrides)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--env {text}: write NAME=VALUE, as in MALLOC_ARENA_MAX=2")
    return name, value


def _kept(word: str) -> str:
    """Return a word of the command line as it may be stored: ``--env``'s secrets are hidden by their names."""
    option = "--env=" if word.startswith("--env=") else ""
    name, equals, value = word.removeprefix(option).partition("=")
    return masked(f"{option}{name}{equals}{masked_environment({name: value})[name]}")
