"""A stage of the embedded proxy loses nothing, whatever is put into it and taken out of it while data flow."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.environment.proxy.embedded.effects import Bandwidth, Latency, LimitData, Slicer, SlowClose, make_effect
from harness.environment.proxy.embedded.stage import Channel, Chunk, Effect, Pass, Stage

LOSSLESS: list[Effect] = [
    Pass(),
    Latency(0.0005, 0.0003),
    Bandwidth(200_000.0),
    Bandwidth(0.0),
    Slicer(7, 3, 0.0),
    SlowClose(0.0),
]


@settings(max_examples=60)
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=200), max_size=20),
    swaps=st.lists(st.tuples(st.integers(0, len(LOSSLESS) - 1), st.integers(0, 6)), max_size=12),
)
def test_exchanging_effects_at_any_moment_keeps_every_byte_in_order(
    chunks: list[bytes], swaps: list[tuple[int, int]]
) -> None:
    """The stall that is healed, the delay that is lifted: what comes out is what went in."""
    assert asyncio.run(_carry(chunks, [(LOSSLESS[index], turns) for index, turns in swaps])) == b"".join(chunks)


def test_a_limit_counts_what_was_passed_before_it_was_changed() -> None:
    """Another limit for the same toxic does not start from nothing."""

    async def story() -> bytes:
        source, target = Channel(), Channel()
        stage = Stage(source, target)
        await stage.place(LimitData(100))
        await source.put(Chunk(b"x" * 60, 0.0))
        first = await target.get()
        await stage.place(LimitData(80), fresh=False)
        await source.put(Chunk(b"y" * 60, 0.0))
        rest = await _drain(target)
        await stage.stop()
        return (first.data if first else b"") + rest

    assert asyncio.run(story()) == b"x" * 60 + b"y" * 20


def test_a_slicer_without_a_size_is_refused() -> None:
    """Toxiproxy takes it, and crashes."""
    for attributes in ({"average_size": 0, "size_variation": 0}, {"average_size": 5, "size_variation": 5}):
        with pytest.raises(ValueError, match="average_size"):
            make_effect("slicer", {**attributes, "delay": 0})


async def _carry(chunks: list[bytes], swaps: list[tuple[Effect, int]]) -> bytes:
    """Send ``chunks`` through one stage while its effect is exchanged after so many turns of the loop."""
    source, target = Channel(), Channel()
    stage = Stage(source, target)
    await stage.place(Pass())
    loop = asyncio.get_running_loop()

    async def send() -> None:
        for data in chunks:
            await source.put(Chunk(data, loop.time()))
        await source.end()

    async def swap() -> None:
        for effect, turns in swaps:
            await stage.place(effect)
            for _ in range(turns):
                await asyncio.sleep(0)
        await stage.place(Pass())

    received, *_ = await asyncio.gather(_drain(target), send(), swap())
    await stage.stop()
    return received


async def _drain(channel: Channel) -> bytes:
    received = b""
    while (chunk := await channel.get()) is not None:
        received += chunk.data
    return received
