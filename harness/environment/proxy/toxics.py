"""The toxics that a scenario may use: their attributes, units and bounds.

Used by ``toxiproxy_client`` before anything is sent, because Toxiproxy itself overlooks misspelt attributes, takes a
missing one for 0, and can be crashed by it. The table is the same for the real server and for the embedded one. To add
a toxic: a row here, and a coroutine in ``embedded_proxy.pipes``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

STREAMS = ("upstream", "downstream")

# An hour: no fault of a trial lasts longer, and a larger number is a unit mistaken.
_MILLISECONDS_MAX = 3_600_000
# Toxiproxy sleeps through this one while it holds its own lock: its control API answers nobody, and gives up after 25
# s.
_RESET_TIMEOUT_MS_MAX = 5_000
_BYTES_MAX = 2**40


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a toxic: a whole number with a unit."""

    unit: str
    minimum: int = 0
    maximum: int = _MILLISECONDS_MAX
    required: bool = True


@dataclass(frozen=True, slots=True)
class ToxicSpec:
    """What one toxic takes, and what it does to a link."""

    does: str
    attributes: Mapping[str, Attribute]


TOXICS: Mapping[str, ToxicSpec] = {
    "latency": ToxicSpec(
        "delays every chunk by latency ± jitter",
        {"latency": Attribute("ms"), "jitter": Attribute("ms", required=False)},
    ),
    "bandwidth": ToxicSpec(
        "limits the rate; 0 is a stall that loses nothing and can be healed",
        {"rate": Attribute("kB/s", maximum=_BYTES_MAX)},
    ),
    "timeout": ToxicSpec(
        "drops all data, and closes the connection after so long without any; 0 never closes it",
        {"timeout": Attribute("ms")},
    ),
    "reset_peer": ToxicSpec(
        "resets connections: new ones with RST, those already open with FIN",
        {"timeout": Attribute("ms", maximum=_RESET_TIMEOUT_MS_MAX, required=False)},
    ),
    "slicer": ToxicSpec(
        "cuts chunks into slices of average_size ± size_variation, each followed by a delay",
        {
            "average_size": Attribute("bytes", minimum=1, maximum=_BYTES_MAX),
            "size_variation": Attribute("bytes", maximum=_BYTES_MAX, required=False),
            "delay": Attribute("µs", required=False),
        },
    ),
    "limit_data": ToxicSpec(
        "closes the connection after so many bytes",
        {"bytes": Attribute("bytes", maximum=_BYTES_MAX)},
    ),
    "slow_close": ToxicSpec(
        "holds the end of the connection back",
        {"delay": Attribute("ms")},
    ),
}


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic, asked for or in force."""

    name: str
    type: str
    stream: str  # "upstream": from the client to the server; "downstream": back
    toxicity: float  # share of new connections that it meets, 0 to 1
    attributes: Mapping[str, int] = field(default_factory=dict)


def check_toxic(toxic: Toxic) -> None:
    """Raise UsageError when ``toxic`` can't mean what its author thinks; it names the value and what is allowed."""
    spec = TOXICS.get(toxic.type)
    if spec is None:
        raise UsageError(f"toxic {toxic.name!r}: there is no type {toxic.type!r}; choose one of {', '.join(TOXICS)}")
    if toxic.stream not in STREAMS:
        raise UsageError(f"toxic {toxic.name!r}: stream {toxic.stream!r} is neither upstream nor downstream")
    if not 0.0 <= toxic.toxicity <= 1.0:
        raise UsageError(f"toxic {toxic.name!r}: toxicity {toxic.toxicity} is not between 0 and 1")
    unknown = sorted(set(toxic.attributes) - set(spec.attributes))
    if unknown:
        raise UsageError(
            f"toxic {toxic.name!r}: {toxic.type} has no {', '.join(unknown)}; it has {', '.join(spec.attributes)}"
        )
    for name, attribute in spec.attributes.items():
        _check_attribute(toxic, name, attribute)
    if toxic.type == "slicer" and toxic.attributes.get("size_variation", 0) >= toxic.attributes["average_size"]:
        raise UsageError(f"toxic {toxic.name!r}: size_variation must be less than average_size")


def _check_attribute(toxic: Toxic, name: str, attribute: Attribute) -> None:
    if name not in toxic.attributes:
        if attribute.required:
            raise UsageError(f"toxic {toxic.name!r}: {toxic.type} needs {name} (in {attribute.unit})")
        return
    value = toxic.attributes[name]
    if isinstance(value, bool) or not isinstance(value, int) or not attribute.minimum <= value <= attribute.maximum:
        raise UsageError(
            f"toxic {toxic.name!r}: {name} is {value!r}; it must be a whole number of {attribute.unit}, "
            f"{attribute.minimum} to {attribute.maximum}"
        )
