"""One run of the process: binds the ports, serves until SIGTERM or SIGINT, writes what is still open, ends.

``cli serve`` calls it. The story is ``serve``; what is served is in ``app`` and ``admin``.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from fake_mem0.admin import Admin
from fake_mem0.app import DataPlane
from fake_mem0.calls import Calls
from fake_mem0.journal import open_journal
from fake_mem0.listener import Listener
from fake_mem0.rules import RulesInForce

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fake_mem0.endpoints import Endpoint

# How long aiohttp waits for handlers at the end. Their connections are closed by then, so it is hardly ever reached.
_SHUTDOWN_TIMEOUT_S = 0.1
# Above twice this a connection is not read from until its handler has dropped what came. One wake-up brings as much
# (see listener), so a thousand uploads at once stay within 170 MiB; at aiohttp's own 256 KiB they took 600.
_READ_BUFFER_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``serve``. Port 0 is any free port."""

    host: str
    port: int
    admin_port: int
    seed: int
    journal: Path | None
    ready_file: Path | None
    endpoints: tuple[Endpoint, ...]


async def serve(options: Options, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. ``announce`` is called with the addresses once both ports are open.

    Raises PortError when a port can't be had, OSError when a file can't be written.
    """
    raise_file_limit()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with open_journal(options.journal) as journal:
        rules, calls = RulesInForce(options.seed, options.endpoints), Calls(journal)
        async with (
            _listening(DataPlane(options.endpoints, rules, calls).application(), options.host, options.port) as data,
            _listening(Admin(rules, calls, data).application(), options.host, options.admin_port) as admin,
        ):
            paths = [endpoint.path for endpoint in options.endpoints]
            ready = {"port": data.port, "admin_port": admin.port, "pid": os.getpid(), "paths": paths}
            if options.ready_file is not None:
                _write_atomically(options.ready_file, json.dumps(ready) + "\n")
            announce(f"the API: http://{options.host}:{data.port}  admin: http://{options.host}:{admin.port}")
            await stopping.wait()
            calls.close()


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: a hung request is a socket, and 1024 is a common default."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int) -> AsyncIterator[Listener]:
    runner = web.AppRunner(
        app,
        access_log=None,  # the journal is the record
        handler_cancellation=True,  # a client that leaves is noticed while its request hangs
        read_bufsize=_READ_BUFFER_BYTES,
        shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
    )
    await runner.setup()
    try:
        listener = Listener(runner, host, port)
        try:
            await listener.open()
            yield listener
        finally:
            await listener.close()
    finally:
        await runner.cleanup()


def _write_atomically(path: Path, text: str) -> None:
    """Write beside ``path`` and rename, so that whoever sees the file sees the whole of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
