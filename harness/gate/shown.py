"""Is the gate any good? The rule, played on repeats that were really recorded: false alarms, and planted regressions.

``harness gate-power`` uses it. For each of many gates it draws two disjoint handfuls of recorded repeats of one build;
as they are, they are an A/A gate; with a regression planted in the second, the gate has to turn red. Repeats of builds
in which the regression was really in the code are drawn against the same baseline. Pure; the drawing has a seed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.gate.comparison import change_of, interval, is_red
from harness.gate.metrics import KEPT, METRICS, PEAK, SLOPE
from harness.store.tolerant import MALFORMED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SETS = 2000
_RESAMPLES = 1000
_CHUNK = 100  # sets at a time: a few megabytes of resamples
_SEED = 4
BODY_MIB = 1e6 / 2**20  # of the gate's scenario
IN_HAND = 10  # messages that the worker holds at once, at its peak


@dataclass(frozen=True, slots=True)
class Recorded:
    """Recorded repeats, by metric: of the build as it is, and of builds with a regression really in them."""

    machine: Mapping[str, str]
    plain: Mapping[str, NDArray[np.float64]]
    real: Mapping[str, Mapping[str, NDArray[np.float64]]]  # by the name of the regression

    @property
    def repeats(self) -> int:
        """How many repeats of the build as it is there are."""
        return int(self.plain[PEAK].size)


@dataclass(frozen=True, slots=True)
class Share:
    """In how many of ``sets`` gates the rule turned red, and by which metrics."""

    case: str
    red: int
    sets: int
    by_metric: Mapping[str, int]


def load_recorded(path: Path) -> Recorded:
    """Return the repeats in ``path``. Raises UsageError."""
    try:
        document = json.loads(path.read_bytes())
        return Recorded(
            {str(name): str(value) for name, value in document["machine"].items()},
            _columns(document["repeats"]),
            {str(name): _columns(repeats) for name, repeats in document["planted"].items()},
        )
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a file of recorded repeats") from error
    except MALFORMED as error:
        raise UsageError(f"{path}: not a file of recorded repeats ({type(error).__name__}: {error})") from error


def shares(recorded: Recorded, number: int, sets: int = SETS) -> tuple[Share, ...]:
    """Return the share of red gates of ``number`` repeats a build, for each case. Raises UsageError for too few."""
    if recorded.repeats < 2 * number:
        raise UsageError(f"{recorded.repeats} recorded repeats don't make two builds of {number}; ask for fewer")
    leak = BODY_MIB * 1000 / 200
    planted: dict[str, Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
        "A/A: the same build": {},
        "resampled: the peak + 5 %": {PEAK: lambda peak: peak * 1.05},
        "resampled: one body of 200 kept": {KEPT: lambda kept: kept + leak, SLOPE: lambda slope: slope + leak},
        "resampled: one more copy of the body": {PEAK: lambda peak: peak + IN_HAND * BODY_MIB},
    }
    random = np.random.default_rng(_SEED)
    drawn = np.stack([random.permutation(recorded.repeats)[: 2 * number] for _ in range(sets)])
    first, second = drawn[:, :number], drawn[:, number:]
    found = [
        _share(case, recorded.plain, first, {name: how(recorded.plain[name]) for name, how in plants.items()}, second)
        for case, plants in planted.items()
    ]
    for case, real in recorded.real.items():
        again = random.integers(0, real[PEAK].size, (sets, number))
        found.append(_share(f"really in the code: {case}", recorded.plain, first, real, again))
    return tuple(found)


def _share(
    case: str,
    plain: Mapping[str, NDArray[np.float64]],
    first: NDArray[np.int64],
    changed: Mapping[str, NDArray[np.float64]],
    second: NDArray[np.int64],
) -> Share:
    """Play the rule of every metric on each set; a metric that is not in ``changed`` is as it was recorded."""
    any_red = np.zeros(len(first), dtype=bool)
    by_metric: dict[str, int] = {}
    for metric in METRICS:
        a, b = plain[metric.name][first], changed.get(metric.name, plain[metric.name])[second]
        red = np.concatenate(
            [
                _red(a[at : at + _CHUNK], b[at : at + _CHUNK], metric.effect, metric.relative, metric.worse_up)
                for at in range(0, len(first), _CHUNK)
            ]
        )
        by_metric[metric.name] = int(red.sum())
        any_red |= red
    return Share(case, int(any_red.sum()), len(first), by_metric)


def _red(
    a: NDArray[np.float64], b: NDArray[np.float64], effect: float, relative: bool, worse_up: bool
) -> NDArray[np.bool_]:
    low, high = interval(a, b, relative=relative, resamples=_RESAMPLES)
    change = change_of(np.median(a, axis=1), np.median(b, axis=1), relative=relative)
    return is_red(change, low, high, effect, worse_up=worse_up)


def _columns(repeats: Sequence[Mapping[str, float]]) -> dict[str, NDArray[np.float64]]:
    return {metric.name: np.array([float(repeat[metric.name]) for repeat in repeats]) for metric in METRICS}
