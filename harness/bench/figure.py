"""What a benchmark returns: figures with unit, baseline, the ratio of the two, the aim and whether it is met.

Every benchmark makes them; ``table`` and ``document`` show them. Pure: no clock, no process, no printing.
"""

from __future__ import annotations

import operator
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Relation = Literal["<=", ">=", "<"]
_HOLDS: Mapping[Relation, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of repeated measurements, between the lowest and the highest of them."""

    median: float
    low: float
    high: float
    repeats: int

    @staticmethod
    def of(samples: Sequence[float]) -> Spread:
        """Return the spread of ``samples``. Raises ValueError without any: then nothing was measured."""
        if not samples:
            raise ValueError("no sample was taken, so there is no median")
        return Spread(statistics.median(samples), min(samples), max(samples), len(samples))


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: its ratio, or its value in the figure's own unit, in relation to a bound."""

    of: Literal["ratio", "value"]
    relation: Relation
    bound: float

    def holds(self, measured: float) -> bool:
        """Say whether ``measured`` meets the aim."""
        return _HOLDS[self.relation](measured, self.bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. Medians decide; the spread says how far to trust them."""

    name: str
    unit: str  # of value and baseline
    value: Spread | None  # None: it could not be measured; ``note`` says why
    baseline: Spread | None = None
    against: str = ""  # what the baseline is
    ratio: Spread | None = None  # value / baseline, repeat by repeat
    aim: Aim | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without an aim, and where what it is about was not measured."""
        if self.aim is None:
            return None
        measured = self.ratio if self.aim.of == "ratio" else self.value
        return None if measured is None else self.aim.holds(measured.median)


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What one benchmark came to: its figures, or the sentence in which its part broke."""

    name: str
    took_s: float
    figures: tuple[Figure, ...] = ()
    error: str | None = None
    exit_code: int = 0  # of the error; 0 without one, also when aims are missed
    others_cpu_share: float = 0.0  # of all cores, meanwhile, for work that was not the benchmark's: 0 to 1


def alone(name: str, unit: str, samples: Sequence[float], *, aim: Aim | None = None, note: str = "") -> Figure:
    """Return a figure that is compared with nothing. Raises ValueError without samples."""
    return Figure(name, unit, Spread.of(samples), aim=aim, note=note)


def compared(
    name: str,
    unit: str,
    samples: Sequence[float],
    baselines: Sequence[float],
    *,
    against: str,
    aim: Aim | None = None,
    note: str = "",
) -> Figure:
    """Return a figure beside its baseline. Raises ValueError when the two can't be paired.

    The ratio is taken repeat by repeat, from measurements that were made one after the other, so that a machine that
    slows down half-way slows both sides of a pair; hence its median need not be the quotient of the two medians. A
    single sample is paired with every baseline.
    """
    paired = list(samples) * len(baselines) if len(samples) == 1 else list(samples)
    ratios = [sample / baseline for sample, baseline in zip(paired, baselines, strict=True)]
    return Figure(name, unit, Spread.of(samples), Spread.of(baselines), against, Spread.of(ratios), aim, note)
