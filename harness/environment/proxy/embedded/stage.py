"""One place in the path of a connection's data, and the channels between two places.

A stage takes chunks from one channel, does to them what its effect says, and passes them on. Its effect can be
exchanged at any moment without losing a byte: what has been taken and not yet passed on stays in hand, and goes first
under the next effect.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Protocol

# As Toxiproxy: an effect that delays data needs room for what comes meanwhile, all others pass the pressure back to the
# sender.
_CAPACITY_CHUNKS = 1
DELAYING_CAPACITY_CHUNKS = 1024


@dataclass(slots=True)
class Chunk:
    """Bytes as they were read, and when, on the event loop's clock."""

    data: bytes
    stamp_s: float


class Channel:
    """A bounded queue of chunks. It ends once; afterwards ``get`` returns None for ever and ``put`` drops."""

    def __init__(self) -> None:
        self.capacity_chunks = _CAPACITY_CHUNKS
        self._chunks: deque[Chunk] = deque()
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, chunk: Chunk) -> None:
        """Append ``chunk`` as soon as there is room. Cancelled, it has appended nothing."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or len(self._chunks) < self.capacity_chunks)
            if not self._ended:
                self._chunks.append(chunk)
            self._changed.notify_all()

    async def get(self) -> Chunk | None:
        """Take the next chunk; None at the end. Cancelled, it has taken nothing."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self._chunks)
            chunk = self._chunks.popleft() if self._chunks else None
            self._changed.notify_all()
            return chunk

    async def end(self) -> None:
        """Say that nothing more will come. What is in the channel can still be taken."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()


class Effect(Protocol):
    """What is done to the data at a stage."""

    capacity_chunks: ClassVar[int]
    closes_when_removed: ClassVar[bool]

    async def pipe(self, stage: Stage) -> None:
        """Move data through ``stage`` until its end. May be cancelled at any await."""
        ...


class Pass:
    """No effect: data go through as they are."""

    capacity_chunks: ClassVar[int] = _CAPACITY_CHUNKS
    closes_when_removed: ClassVar[bool] = False

    async def pipe(self, stage: Stage) -> None:
        """Pass everything on."""
        while await stage.take() is not None:
            await stage.pass_on()
        await stage.close()


class Stage:
    """A stage between two channels. ``place`` puts an effect in; effects use the other verbs."""

    def __init__(self, source: Channel, target: Channel) -> None:
        self._source = source
        self._target = target
        self._in_hand: Chunk | None = None
        self._effect: Effect = Pass()
        self._task: asyncio.Task[None] | None = None
        self.passed_bytes = 0  # since the effect was placed

    async def place(self, effect: Effect, *, fresh: bool = True) -> None:
        """Put ``effect`` in the place of the present one; not ``fresh``: the same toxic with other attributes."""
        was = self._effect
        await self.stop()
        if fresh:
            self.passed_bytes = 0
            if was.closes_when_removed:
                await self.close()
        self._effect = effect
        self._source.capacity_chunks = effect.capacity_chunks
        self._task = asyncio.create_task(self._run(effect))

    async def stop(self) -> None:
        """Stop the effect where it is. What is in hand stays."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def take(self) -> Chunk | None:
        """Take the next chunk in hand; None at the end of the data."""
        self._in_hand = await self._source.get()
        return self._in_hand

    async def pass_on(self, size: int | None = None) -> None:
        """Pass on the first ``size`` bytes of what is in hand; all of it by default."""
        chunk = self._in_hand
        if chunk is None:
            return
        part = chunk.data if size is None else chunk.data[:size]
        rest = chunk.data[len(part) :]
        await self._target.put(Chunk(part, chunk.stamp_s))
        self.passed_bytes += len(part)
        self._in_hand = Chunk(rest, chunk.stamp_s) if rest else None

    def drop(self) -> None:
        """Drop what is in hand."""
        self._in_hand = None

    async def close(self) -> None:
        """End the data here, whatever may still come: the connection is closed behind what has been passed on."""
        self._in_hand = None
        await self._target.end()

    async def _run(self, effect: Effect) -> None:
        await self.pass_on()
        await effect.pipe(self)
