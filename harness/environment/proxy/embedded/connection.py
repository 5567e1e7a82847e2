"""One client connection through a link: two directions, each a path of stages from a socket to a socket.

Made by ``link`` for every client it accepts. As in Toxiproxy there is no half-closed connection: when one direction
ends, its target socket is closed whole, and the other direction ends by that.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from typing import TYPE_CHECKING

from harness.environment.proxy.embedded.effects import make_effect
from harness.environment.proxy.embedded.stage import Channel, Chunk, Pass, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.environment.proxy.toxics import Toxic

# What Toxiproxy reads at once, and what a StreamReader may hold; the rest waits in the kernel, and then in the sender.
CHUNK_BYTES = 32 * 1024


class Direction:
    """One direction: reads ``reader``, writes ``writer``; in between, a stage for each toxic of its stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._first = self._last = Channel()
        self._stages: list[Stage] = []
        self._places: dict[str, Stage] = {}  # toxic → its stage
        self._read_task: asyncio.Task[None] | None = None
        self._write_task: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()  # the target socket is
        # Otherwise 64 kB would wait in the process behind every toxic.
        writer.transport.set_write_buffer_limits(high=0)

    async def start(self, toxics: Iterable[Toxic]) -> None:
        """Put ``toxics`` in force and begin to move data."""
        for toxic in toxics:
            await self.put(toxic)
        self._write_task = asyncio.create_task(self._write(self._last))
        self._read_task = asyncio.create_task(self._read())

    async def put(self, toxic: Toxic) -> None:
        """Put a toxic in force, or exchange the one of that name."""
        # Drawn for each connection, as in Toxiproxy: a toxicity of 0.3 meets about three connections of ten.
        effect = make_effect(toxic.type, toxic.attributes) if random.random() < toxic.toxicity else Pass()
        stage = self._places.get(toxic.name)
        is_new = stage is None
        if stage is None:
            stage = self._places[toxic.name] = await self._free_stage()
        await stage.place(effect, fresh=is_new)

    async def remove(self, name: str) -> None:
        """Take a toxic out of force; what it held back goes on at once."""
        stage = self._places.pop(name, None)
        if stage is not None:
            await stage.place(Pass())

    async def stop(self) -> None:
        """End every task; the sockets are the connection's to close."""
        for stage in self._stages:
            await stage.stop()
        for task in (self._read_task, self._write_task):
            await _cancel(task)

    async def _free_stage(self) -> Stage:
        """Return a stage at the end of the path: one that a removed toxic left there, else a new one."""
        if self._stages and self._stages[-1] not in self._places.values():
            return self._stages[-1]
        has_started = self._write_task is not None
        await _cancel(self._write_task)
        source, self._last = self._last, Channel()
        self._stages.append(Stage(source, self._last))
        if has_started:
            self._write_task = asyncio.create_task(self._write(self._last))
        return self._stages[-1]

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        # A reset by the peer ends the data like a close.
        with contextlib.suppress(OSError):
            while data := await self._reader.read(CHUNK_BYTES):
                await self._first.put(Chunk(data, loop.time()))
        await self._first.end()

    async def _write(self, source: Channel) -> None:
        """Write what arrives at the end of the path. Cancelled, it has written or not taken each chunk."""
        with contextlib.suppress(OSError):
            while (chunk := await source.get()) is not None:
                self._writer.write(chunk.data)
                await self._writer.drain()
        self._writer.close()
        self.closed.set()


class Connection:
    """A client's connection and the one to the upstream server."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._writers = (client[1], upstream[1])
        self.directions = {
            "upstream": Direction(client[0], upstream[1]),
            "downstream": Direction(upstream[0], client[1]),
        }

    async def start(self, toxics: Iterable[Toxic]) -> None:
        """Begin, with the toxics that are in force now."""
        toxics = tuple(toxics)
        if any(toxic.type == "reset_peer" for toxic in toxics):
            # Closed with no time to linger, a socket sends RST instead of FIN. Toxiproxy sets it only here: a reset
            # that comes later is a FIN.
            for writer in self._writers:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for stream, direction in self.directions.items():
            await direction.start(toxic for toxic in toxics if toxic.stream == stream)

    async def wait_closed(self) -> None:
        """Wait until both sockets are closed, then end what is left of the paths."""
        for direction in self.directions.values():
            await direction.closed.wait()
        await self._stop()

    async def abort(self) -> None:
        """Close both sockets at once, whatever is under way."""
        await self._stop()
        for writer in self._writers:
            writer.transport.abort()

    async def _stop(self) -> None:
        for direction in self.directions.values():
            await direction.stop()


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
