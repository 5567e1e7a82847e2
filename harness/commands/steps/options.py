"""From what was typed to one value, and from that to an order. Checks what the user typed; starts nothing.

A verb that is decorated with ``takes`` has the fields of a frozen dataclass as its options, and gets them as one value
of it: no option is handed on by name or place.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from harness.campaign import Order
from harness.environment.broker.broker import accepted_url
from harness.environment.database.databases import accepted_database
from harness.environment.memory_limit.chooser import KINDS
from harness.errors import UsageError
from harness.redaction import masked, masked_environment
from harness.scenario import find_scenario, load_scenario
from harness.scenario.overrides import Overrides, overridden
from harness.scenario.redacted import check_nothing_hidden
from harness.trial.worker_program import check_commands

if TYPE_CHECKING:
    from harness.options import Options

_T = TypeVar("_T")

LimitKind = Annotated[str, typer.Option(help="How memory is limited: auto, cgroup-v2, cgroup-v1, watchdog (emulated).")]
RunsDir = Annotated[Path, typer.Option(help="Where run directories are made.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Checks = Annotated[bool, typer.Option("--checks", help="The checks that an arm may expect, with their thresholds.")]
Faults = Annotated[bool, typer.Option("--faults", help="The faults that a scenario may name, with their settings.")]

# The fields of ``harness.options.Options`` that can be typed.
TYPED: Mapping[str, Any] = MappingProxyType(
    {
        "scenario": Annotated[str, typer.Argument(help="A scenario's name (see 'harness list') or its file.")],
        "arm": Annotated[list[str], typer.Option(help="Play only this arm; may be given more than once.")],
        "mechanism": Annotated[
            str | None, typer.Option(help="The incident's mechanism in the 'before' arms: M0, M1, M2 or M1+M2.")
        ],
        "seed": Annotated[int | None, typer.Option(help="Another seed than the scenario's.")],
        "time_scale": Annotated[
            float | None, typer.Option(help="Incident seconds per real second; the scenario's by default.")
        ],
        "env": Annotated[
            list[str], typer.Option(help="NAME=VALUE for every arm's worker; may be given more than once.")
        ],
        "small": Annotated[
            bool, typer.Option("--small", help="A tenth of the messages' bytes, limits to match: for quick tests.")
        ],
        "profile": Annotated[
            bool, typer.Option("--profile", help="Repeat every arm under memray; the repeats carry no verdict.")
        ],
        "limit": LimitKind,
        "broker_url": Annotated[
            str | None, typer.Option(help="A broker of yours: amqp://user:password@host:port/vhost.")
        ],
        "broker_image": Annotated[
            str | None, typer.Option(help="RabbitMQ as a container of this image, e.g. rabbitmq:4-management.")
        ],
        "broker_timeout_s": Annotated[
            float | None,
            typer.Option(
                "--broker-timeout",
                min=1.0,
                help="Seconds that the run's own broker may take to come up; 60 by default.",
            ),
        ],
        "proxy_image": Annotated[
            str | None, typer.Option(help="Toxiproxy as a container of this image, e.g. the official one of 2.12.0.")
        ],
        "management_port": Annotated[int, typer.Option(help="The management API's port on that broker's host.")],
        "database": Annotated[
            str,
            typer.Option(help="sqlite, postgres (a private server), or postgresql://user:password@host:port/database."),
        ],
        "allow_target": Annotated[
            bool,
            typer.Option(
                "--allow-target", help="Let the load go to a broker or a database that is not on this machine."
            ),
        ],
        "runs_dir": RunsDir,
        "as_json": Json,
        "dry_run": Annotated[bool, typer.Option("--dry-run", help="Say what would be done; start nothing.")],
    }
)


def takes(
    options: type[_T], typed: Mapping[str, Any], *, required: tuple[str, ...] = ()
) -> Callable[[Callable[[_T], int]], Callable[..., int]]:
    """Give a verb the fields of the dataclass ``options`` that are in ``typed``, field → Typer's annotation.

    The verb gets one value of ``options``. A field has the dataclass's default unless it is ``required``.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(options)}  # type: ignore[arg-type]

    def decorate(verb: Callable[[_T], int]) -> Callable[..., int]:
        @functools.wraps(verb)
        def command(**parsed: Any) -> int:
            return verb(options(**{name: _frozen(value) for name, value in parsed.items()}))

        command.__annotations__ = dict(typed)
        command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if name in required else _thawed(defaults[name]),
                    annotation=annotation,
                )
                for name, annotation in typed.items()
            ]
        )
        return command

    return decorate


def order_of(options: Options) -> Order:
    """Return the order. Raises ScenarioError, UsageError, RefusedTargetError."""
    if options.broker_url is not None:
        accepted_url(options.broker_url, allow_target=options.allow_target)
    if options.broker_url is not None and options.broker_image is not None:
        raise UsageError("--broker-url and --broker-image name two brokers; keep one")
    accepted_database(options.database, allow_target=options.allow_target)
    check_limit(options.limit)
    overrides = Overrides(
        arms=options.arm,
        roles=options.roles,
        mechanism=options.mechanism,
        seed=options.seed,
        time_scale=options.time_scale,
        env=tuple(_variable(text) for text in options.env),
        small=options.small,
    )
    scenario = overridden(load_scenario(find_scenario(options.scenario)), overrides)
    check_nothing_hidden(scenario)
    check_commands(scenario)
    return Order(scenario, options, ("harness", *(_kept(word) for word in sys.argv[1:])))


def check_limit(kind: str) -> None:
    """Raise UsageError for a kind of memory limit that there is not."""
    if kind not in KINDS:
        raise UsageError(f"--limit {kind}: there are {', '.join(KINDS)}")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _thawed(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


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
