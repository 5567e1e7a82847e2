"""What each toxic does to the data of one direction of one connection: one class a toxic.

To add one: a row in ``harness.environment.proxy.toxics``, a class here with its attributes as fields and one method,
and its name in ``make_effect``.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.environment.proxy.embedded.stage import DELAYING_CAPACITY_CHUNKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.environment.proxy.embedded.stage import Effect, Stage

_S_PER_MS = 1e-3
_S_PER_US = 1e-6
# Toxiproxy sends a limited stream in pieces of 100 ms.
_BANDWIDTH_PIECE_S = 0.1


class _Plain:
    capacity_chunks: ClassVar[int] = 1
    closes_when_removed: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Latency(_Plain):
    """Delays every chunk by latency ± jitter, counted from when it was read."""

    latency_s: float
    jitter_s: float
    capacity_chunks: ClassVar[int] = DELAYING_CAPACITY_CHUNKS

    async def pipe(self, stage: Stage) -> None:
        """Hold each chunk until its time; order is kept."""
        loop = asyncio.get_running_loop()
        while (chunk := await stage.take()) is not None:
            delay_s = self.latency_s + random.uniform(-self.jitter_s, self.jitter_s)
            pause_s = chunk.stamp_s + delay_s - loop.time()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
                chunk.stamp_s += pause_s
            await stage.pass_on()
        await stage.close()


@dataclass(frozen=True, slots=True)
class Bandwidth(_Plain):
    """Limits the rate; at 0 nothing moves, and nothing is lost."""

    rate_bytes_per_s: float

    async def pipe(self, stage: Stage) -> None:
        """Pay for every piece with time before it is passed on."""
        loop = asyncio.get_running_loop()
        piece_bytes = int(self.rate_bytes_per_s * _BANDWIDTH_PIECE_S)
        due_s = loop.time()
        while (chunk := await stage.take()) is not None:
            if piece_bytes == 0:
                await asyncio.Event().wait()  # until this effect is removed
            for start in range(0, len(chunk.data), piece_bytes):
                size = min(piece_bytes, len(chunk.data) - start)
                due_s = max(due_s, loop.time()) + size / self.rate_bytes_per_s
                await asyncio.sleep(due_s - loop.time())
                await stage.pass_on(size)
        await stage.close()


@dataclass(frozen=True, slots=True)
class Timeout(_Plain):
    """Drops all data; closes the connection after so long without any, and when it is removed. 0 never times out."""

    timeout_s: float
    closes_when_removed: ClassVar[bool] = True

    async def pipe(self, stage: Stage) -> None:
        """Drop until the data end, or pause for too long."""
        try:
            while True:
                async with asyncio.timeout(self.timeout_s or None):
                    if await stage.take() is None:
                        break
                stage.drop()
        except TimeoutError:
            pass  # the pause was too long: closed like the end of the data
        await stage.close()


@dataclass(frozen=True, slots=True)
class ResetPeer(_Plain):
    """Closes the connection, after a time, at the first chunk; an RST where the connection was opened under it."""

    timeout_s: float

    async def pipe(self, stage: Stage) -> None:
        """Wait for the first chunk, then for the time, then close."""
        await stage.take()
        stage.drop()
        await asyncio.sleep(self.timeout_s)
        await stage.close()


@dataclass(frozen=True, slots=True)
class Slicer(_Plain):
    """Cuts chunks into slices, and pauses after each."""

    average_bytes: int
    variation_bytes: int
    delay_s: float

    async def pipe(self, stage: Stage) -> None:
        """Pass slice after slice on."""
        while (chunk := await stage.take()) is not None:
            for size in self._sizes(len(chunk.data)):
                await stage.pass_on(size)
                await asyncio.sleep(self.delay_s)
        await stage.close()

    def _sizes(self, total: int) -> list[int]:
        """Halve, about, until a part is small enough: the sizes vary evenly from beginning to end."""
        if total - self.average_bytes <= self.variation_bytes:
            return [total]
        middle = total // 2
        if self.variation_bytes:
            middle += random.randrange(2 * self.variation_bytes) - self.variation_bytes
        middle = min(max(middle, 1), total - 1)
        return self._sizes(middle) + self._sizes(total - middle)


@dataclass(frozen=True, slots=True)
class LimitData(_Plain):
    """Closes the connection after so many bytes."""

    limit_bytes: int

    async def pipe(self, stage: Stage) -> None:
        """Pass on until the limit is reached."""
        while await stage.take() is not None:
            await stage.pass_on(self.limit_bytes - stage.passed_bytes)
            if stage.passed_bytes >= self.limit_bytes:
                break
        await stage.close()


@dataclass(frozen=True, slots=True)
class SlowClose(_Plain):
    """Holds the end of the data back."""

    delay_s: float

    async def pipe(self, stage: Stage) -> None:
        """Pass data on at once, and their end after a while."""
        while await stage.take() is not None:
            await stage.pass_on()
        await asyncio.sleep(self.delay_s)
        await stage.close()


def make_effect(kind: str, attributes: Mapping[str, int]) -> Effect:
    """Return the effect of a toxic of type ``kind``.

    Attributes are those of ``harness.environment.proxy.toxics``, in its units.

    Raises KeyError for a type that is not there, ValueError for a slicer without a size.
    """
    made: Mapping[str, Callable[[], Effect]] = {
        "latency": lambda: Latency(attributes["latency"] * _S_PER_MS, attributes["jitter"] * _S_PER_MS),
        "bandwidth": lambda: Bandwidth(attributes["rate"] * 1000.0),
        "timeout": lambda: Timeout(attributes["timeout"] * _S_PER_MS),
        "reset_peer": lambda: ResetPeer(attributes["timeout"] * _S_PER_MS),
        "slicer": lambda: _slicer(attributes),
        "limit_data": lambda: LimitData(attributes["bytes"]),
        "slow_close": lambda: SlowClose(attributes["delay"] * _S_PER_MS),
    }
    return made[kind]()


def _slicer(attributes: Mapping[str, int]) -> Slicer:
    if attributes["average_size"] < 1 or attributes["size_variation"] >= attributes["average_size"]:
        raise ValueError("slicer needs an average_size of at least 1, and a size_variation below it")
    return Slicer(attributes["average_size"], attributes["size_variation"], attributes["delay"] * _S_PER_US)
