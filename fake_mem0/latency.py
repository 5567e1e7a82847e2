"""How long pika-mem0 takes to answer: a quantile table, or a fixed time. Used by the mode ``answer``.

A draw in [0, 1) is looked up in the table and interpolated linearly between its points, so that the same draw always
gives the same latency. This module waits for nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from fake_mem0 import settings
from fake_mem0.errors import BadSettingError

# (quantile, seconds of incident time), from 0 to 1, both rising.
QuantileTable = tuple[tuple[float, float], ...]

PROFILES: Mapping[str, QuantileTable] = {
    # p50 to max are the incident report's. It names no minimum: we take the healthy median, as a lucky request in a bad
    # minute.
    "incident": ((0.0, 2.0), (0.50, 19.1), (0.75, 26.2), (0.90, 60.8), (0.95, 60.8), (1.0, 60.9)),
    # Ours: the report gives no latency of a good day. 10 threads at 2 s keep the queue empty, as the steady 250 MB of
    # the morning says it was.
    "healthy": ((0.0, 0.5), (0.50, 2.0), (0.95, 4.0), (1.0, 6.0)),
}


def interpolate(table: QuantileTable, at: float) -> float:
    """Return the seconds that the table gives at quantile ``at`` (0 to 1)."""
    above = min(bisect_right([quantile for quantile, _ in table], at), len(table) - 1)
    (low, low_s), (high, high_s) = table[above - 1], table[above]
    return low_s + (high_s - low_s) * (at - low) / (high - low)


@dataclass(frozen=True, slots=True)
class ProfileLatency:
    """A latency drawn from a profile of incident time, divided by ``scale``."""

    profile: str = settings.choice("healthy", "the quantile table drawn from", tuple(PROFILES))
    scale: float = settings.number(1.0, "incident seconds a real second", unit="", least=0.001, most=1e6)

    def seconds_at(self, draw: float) -> float:
        """Return real seconds for a draw in [0, 1)."""
        return interpolate(PROFILES[self.profile], draw) / self.scale


@dataclass(frozen=True, slots=True)
class FixedLatency:
    """The same latency for every request."""

    seconds: float = settings.seconds(0.05, "real time before the answer")

    def seconds_at(self, draw: float) -> float:  # noqa: ARG002 - the shape of a latency; a fixed one needs no draw
        """Return real seconds, whatever the draw."""
        return self.seconds


Latency = ProfileLatency | FixedLatency


def _read(value: object, where: str) -> Latency:
    if not isinstance(value, Mapping):
        raise settings.bad(where, value, ACCEPTED)
    if "seconds" in value and "profile" in value:
        raise BadSettingError(f"{where} has both 'seconds' and 'profile' ({dict(value)!r}); accepted: {ACCEPTED}")
    if "seconds" in value:
        return settings.build(FixedLatency, value, where)
    return settings.build(ProfileLatency, value, where)


ACCEPTED = '{"profile": "' + '" | "'.join(PROFILES) + '", "scale": number}, or {"seconds": number}'
SETTING = settings.Setting("", "time from the end of the request to the answer", ACCEPTED, _read)
