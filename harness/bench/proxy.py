"""What a proxy on the path costs: a byte stream straight over loopback, through Toxiproxy, through the embedded proxy.

No toxic is in force. On few cores the three processes share them, so the ratio is that of a busy path and not of the
proxy's own speed; what it must show is that a link carries more than the broker's wire does.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.bench.byte_stream import sink, stream_s
from harness.bench.environment import MEGABYTE, REPEATS
from harness.bench.figure import Figure, compared
from harness.environment.proxy.proxy import EMBEDDED, TOXIPROXY, find_toxiproxy, proxy

if TYPE_CHECKING:
    from harness.bench.environment import BenchEnvironment


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return MB/s through each proxy that this machine has, against the direct path. Raises PartFailedError."""
    size_bytes = environment.amount(full=1_000_000_000, quick=100_000_000)
    kinds = (TOXIPROXY, EMBEDDED) if find_toxiproxy() is not None else (EMBEDDED,)
    rates: dict[str, list[float]] = {"direct": [], **{kind: [] for kind in kinds}}
    with ExitStack() as stack:
        paths = {"direct": stack.enter_context(sink())}
        names = {}
        for kind in kinds:
            part = stack.enter_context(proxy(environment.scope, environment.logs / kind, kind=kind))
            paths[kind] = stack.enter_context(part.link(f"stream-{kind}", paths["direct"])).listen
            names[kind] = f"{'Toxiproxy' if kind == TOXIPROXY else 'embedded proxy'} {part.version}".strip()
        for repeat in range(REPEATS):
            environment.tell(f"proxy: repeat {repeat + 1} of {REPEATS}, {len(paths)} × {size_bytes / MEGABYTE:.0f} MB")
            for path, address in paths.items():
                rates[path].append(size_bytes / stream_s(address, size_bytes) / MEGABYTE)
    return tuple(
        compared(names[kind], "MB/s", rates[kind], rates["direct"], against="direct loopback") for kind in kinds
    )
