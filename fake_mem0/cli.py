"""The command line: ``serve``, and ``modes``, ``set``, ``stats``, ``release`` for an engineer at a terminal.

Alone in printing and in turning errors into exit codes: 0 done, 1 a port or the admin API can't be had, 2 bad usage or
a bad setting.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fake_mem0 import endpoints, remote, rules_document, settings
from fake_mem0.errors import BadSettingError, FakeMem0Error
from fake_mem0.exchange import Release
from fake_mem0.modes import MODES
from fake_mem0.modes.answering import Answer
from fake_mem0.serve import Options, serve

_EXAMPLES = """
Examples:

\b
  python -m fake_mem0 serve --port 6699 --admin-port 6700 --journal calls.jsonl
  python -m fake_mem0 set --rule hang_then_500:rate=0.3,seconds=3
  python -m fake_mem0 set          # recover: every request is answered
  python -m fake_mem0 release      # cut what still hangs
  python -m fake_mem0 serve --endpoint '{"path": "/charge/{id}", "message_id": {"path": "id"}, "answer": {"ok": true}}'
"""

_SET_EXAMPLES = """
Examples:

\b
  set --rule hang_then_500:rate=0.3,seconds=3 --rule status:rate=0.1,status=503
  set --default answer:latency.profile=incident,latency.scale=20
  set --rule refuse:rate=1    # shut the port
  set                         # recover: every request is answered
"""

app = typer.Typer(
    help="A fake of an HTTP dependency, made to hang, fail and worse at rates set while it runs; pika-mem0 by itself."
    "\n\n" + _EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_Admin = Annotated[str, typer.Option(help="The admin API's address.")]
_DEFAULT_ADMIN = "http://127.0.0.1:6700"


@app.command("serve")
def serve_(
    host: Annotated[str, typer.Option(help="The address of both ports.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port of the API; 0 is any free one.", min=0, max=65_535)] = 6699,
    admin_port: Annotated[int, typer.Option(help="The admin API's port; 0 is any free one.", min=0, max=65_535)] = 6700,
    seed: Annotated[int, typer.Option(help="Decides, with message id and attempt, which rule meets a request.")] = 0,
    journal: Annotated[Path | None, typer.Option(help="Append one JSON line a request to this file.")] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once both ports are open: the ports, the pid and the paths, as JSON.")
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            help="An endpoint as JSON: path, method, message_id ({json: member}, {header: name} or {path: part}),"
            " answer, primary, default. May be repeated; those of pika-mem0 when left out."
        ),
    ] = None,
) -> None:
    """Serve until SIGTERM. Every request is answered until rules are set."""
    served = endpoints.parse_all(endpoint or ())
    asyncio.run(serve(Options(host, port, admin_port, seed, journal, ready_file, served), typer.echo))


@app.command("modes")
def modes() -> None:
    """List the modes and their settings, with units and defaults."""
    for name, kind in MODES.items():
        typer.echo(f"{name}\n    {(kind.__doc__ or '').splitlines()[0]}")
        for setting, default, about in settings.described(kind):
            shown = json.dumps(default, default=asdict)
            typer.echo(f"      {setting}: {about.meaning}\n          {about.accepted}; default {shown}")


@app.command("set", epilog=_SET_EXAMPLES)
def set_(
    rule: Annotated[
        list[str] | None,
        typer.Option(help="MODE:rate=R,setting=value,… – a share R of the requests meets MODE. May be repeated."),
    ] = None,
    default: Annotated[
        str | None, typer.Option(help="MODE:setting=value,… for the rest; answer when left out.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(help="The path whose rules are replaced; the first when left out.")
    ] = None,
    admin: _Admin = _DEFAULT_ADMIN,
) -> None:
    """Replace the rules of one path. Requests that hang already go on hanging."""
    document: dict[str, object] = {"rules": [rules_document.parse_short(each) for each in rule or ()]}
    if default is not None:
        document["default"] = rules_document.parse_short(default)
    # The same check as the server's, so that a mistake is found without one; which paths there are, it alone knows.
    rules_document.parse(document, {"": Answer()})
    if path is not None:
        document["path"] = path
    _show(remote.call(admin, "PUT", "/modes", document))


@app.command("stats")
def stats(admin: _Admin = _DEFAULT_ADMIN) -> None:
    """Print the counts."""
    _show(remote.call(admin, "GET", "/stats"))


@app.command("release")
def release(
    how: Annotated[Release, typer.Option(help="Cut, or answered well where no answer has begun.")] = Release.RESET,
    admin: _Admin = _DEFAULT_ADMIN,
) -> None:
    """Release every request that now hangs. Without this it hangs until its client leaves."""
    _show(remote.call(admin, "POST", f"/release?how={how}"))


def _show(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        app()
    except BadSettingError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except (FakeMem0Error, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    sys.exit(0)
