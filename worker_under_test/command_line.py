"""The command line: ``run`` (the default), ``migrate``, ``retry``, ``remedies``, ``ingress``.

It alone reads the environment and turns errors into exit codes: 0 after SIGTERM or SIGINT and a complete drain, 1 after
an error that ends the worker, 2 on bad configuration.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from worker_under_test import retry_timetable
from worker_under_test.assembly import assembled_consumer, assembled_retry_job
from worker_under_test.config_settings import Settings, load_settings
from worker_under_test.database import create_schema, open_database
from worker_under_test.errors import ConfigurationError
from worker_under_test.flight_recorder import flight_recorded
from worker_under_test.remedies import chosen
from worker_under_test.remedies.behaviour import FIXED, PRESETS
from worker_under_test.worker_log import configure_log
from worker_under_test.worker_stats import WorkerStats, stats_written

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = structlog.get_logger()

# Beyond the grace: to close the connection, and to write the last line.
_LAST_RESORT_S = 5.0

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Preset = Annotated[str, typer.Option("--preset", help=", ".join(preset.name for preset in PRESETS))]
Mechanism = Annotated[str | None, typer.Option("--mechanism", help="M0, M1, M2 or M1+M2; with incident only")]
With = Annotated[
    list[str] | None, typer.Option("--with", help="a remedy to add: NAME (hardened) or NAME=reported; repeatable")
]
Without = Annotated[list[str] | None, typer.Option("--without", help="a remedy to leave out; repeatable")]


def main() -> None:
    """Run the command that ``sys.argv`` asks for; options without a verb belong to ``run``."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        arguments = ["run", *arguments]
    app(args=arguments, prog_name="python -m worker_under_test")


@contextlib.contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        logger.error("bad_configuration", reason=str(error))  # noqa: TRY400 - the message is complete
        raise typer.Exit(2) from None
    except (SQLAlchemyError, OSError) as error:
        logger.error("cannot_go_on", error=f"{type(error).__name__}: {error}")  # noqa: TRY400 - as above
        raise typer.Exit(1) from None


@app.command()
def run(
    preset: Preset = FIXED.name,
    mechanism: Mechanism = None,
    with_: With = None,
    without: Without = None,
) -> None:
    """Consume the queue until SIGTERM or SIGINT."""
    configure_log()
    with _errors_as_exit_codes():
        remedies = chosen.choose(preset, mechanism, with_ or [], without or [])
        settings = load_settings(os.environ, remedies)
        stopping, stats = threading.Event(), WorkerStats()
        _stop_on_signals(stopping, settings.shutdown_grace_s + _LAST_RESORT_S)
        logger.info("worker_started", preset=preset, mechanism=mechanism, pid=os.getpid())
        with (
            assembled_consumer(settings, remedies, stats, stopping) as consumer,
            stats_written(stats, settings.stats_file, settings.stats_interval_s),
            flight_recorded(stats, settings.flight_recorder_dir),
        ):
            try:
                drained = consumer.run()
            except Exception as error:  # noqa: BLE001 - logged, and turned into the exit code, here
                logger.error("cannot_go_on", error=repr(error))  # noqa: TRY400 - the log is bounded, a traceback is not
                drained = False
    if not drained:
        _exit_now()


def _stop_on_signals(stopping: threading.Event, last_resort_s: float) -> None:
    """Set ``stopping`` on SIGTERM and SIGINT.

    The process exits ``last_resort_s`` later at the latest: on a stalled link pika waits for the broker until the
    heartbeat fails, which is longer than any grace.
    """

    def stop(*_: object) -> None:
        if not stopping.is_set():
            timer = threading.Timer(last_resort_s, _exit_now)
            timer.daemon = True
            timer.start()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _exit_now() -> None:
    """Exit with 1, at once: threads that hang in a call would hold up the interpreter's own exit."""
    sys.stderr.flush()
    os._exit(1)


@app.command()
def migrate(preset: Preset = FIXED.name, with_: With = None, without: Without = None) -> None:
    """Bring the tables at DATABASE_URL up to date; with --preset postmortem, to the report's schema."""
    configure_log()
    with _errors_as_exit_codes():
        remedies = chosen.choose(preset, None, with_ or [], without or [])
        settings = load_settings(os.environ, remedies)
        engine = open_database(settings.database_url, connections_max=1)
        try:
            create_schema(engine, remedies.retry_limit)
        finally:
            engine.dispose()


@app.command()
def retry(
    preset: Preset = FIXED.name,
    with_: With = None,
    without: Without = None,
    now: Annotated[str | None, typer.Option("--now", help="the job's time, ISO 8601; default: the clock's")] = None,
    once: Annotated[bool, typer.Option("--once", help="run once, until no event is due: the default")] = False,
    every: Annotated[str | None, typer.Option("--every", help="run every 6h, 30m or 90s, until SIGTERM")] = None,
) -> None:
    """Process the FAILED events that are due, and print what was done, one JSON object a run."""
    configure_log()
    with _errors_as_exit_codes():
        if once and every is not None:
            raise ConfigurationError(f"--once and --every {every} exclude each other; give one of them")
        interval_s = None if every is None else retry_timetable.interval_s(every)
        clock = retry_timetable.clock(now)
        remedies = chosen.choose(preset, None, with_ or [], without or [])
        settings: Settings = load_settings(os.environ, remedies)
        stopping = threading.Event()
        _stop_on_signals(stopping, settings.shutdown_grace_s + _LAST_RESORT_S)
        with assembled_retry_job(settings, remedies, clock, stopping) as job:
            for stats in retry_timetable.runs(job.process_failed_events, interval_s, stopping):
                typer.echo(json.dumps(stats.as_dict()))
                sys.stdout.flush()


@app.command()
def ingress(
    host: Annotated[str, typer.Option("--host", help="where to listen")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any free one")] = 8000,
    ready_file: Annotated[str | None, typer.Option("--ready-file", help="a file to write the port to, as JSON")] = None,
) -> None:
    """Accept conversations over HTTP, store their events and publish their messages, until SIGTERM or SIGINT."""
    configure_log()
    with _errors_as_exit_codes():
        # Only here: the worker is measured by its memory, and FastAPI would add 15 MiB to it.
        from worker_under_test.ingress.serve import serve  # noqa: PLC0415

        settings = load_settings(os.environ, chosen.BY_PRESET[FIXED.name])
        serve(settings, host, port, ready_file)


@app.command(name="remedies")
def remedies_table() -> None:
    """Print what each preset does for each remedy, and where the report asks for it."""
    for remedy in chosen.ALL:
        typer.echo(remedy.name)
        for preset in PRESETS:
            typer.echo(f"    {preset.name + ':':<11} {remedy.does(preset.behaviour)}")
        typer.echo(f"    {'asked for:':<11} {remedy.asked_for}")
