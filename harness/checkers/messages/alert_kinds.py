"""Are the alerts of the kinds that are claimed: by type, level, action, context and rate?

Reads the worker's own ALERTS_FILE, not what anybody received. How many there are in all is ``alerts``' to judge.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import DurationS, Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.checkers.case import Case
    from harness.record import Alert, CheckResult

_SHOWN_MAX = 3
_EARLY = 0.95  # of the shortest time between two alerts: a busy machine writes one late, and the next one in time

Word = Annotated[str, Field(min_length=1, max_length=100)]


class AlertKind(Strict):
    """Alerts of one kind: their type, level and action, with what their context has to hold.

    ``context`` gives the value of a key, or null where any value will do. Two alerts of the kind are ``apart_at_least``
    apart, in incident time.
    """

    type: Word
    level: Word
    action: Word
    context: dict[Word, str | int | float | bool | None] = Field(default_factory=dict)
    at_least: Annotated[Whole, Field(ge=0)] = 1
    at_most: Annotated[Whole, Field(ge=1)] | None = None
    apart_at_least: DurationS | None = None

    @property
    def title(self) -> str:
        """The kind in words."""
        return f"{self.level} {self.type} {self.action}"


class AlertKinds(Strict):
    """Every alert is of one of these kinds, and of each kind there are as many, and as far apart, as it says."""

    kinds: Annotated[tuple[AlertKind, ...], Field(min_length=1)]


def check(case: Case, expected: AlertKinds) -> CheckResult:
    """Pass where all alerts are of the kinds expected; unknown for a trial that was cut off."""
    threshold = "; ".join(_bounds(kind) for kind in expected.kinds)
    if case.trial.drain is None:
        return case.result(ALERT_KINDS.name, Verdict.UNKNOWN, "the trial was cut off", threshold)
    found = [(kind, [alert for alert in case.trial.alerts if _is_of(alert, kind)]) for kind in expected.kinds]
    measured = "; ".join(f"{len(alerts)} {kind.title}" for kind, alerts in found)
    strange = [alert for alert in case.trial.alerts if not any(_is_of(alert, kind) for kind in expected.kinds)]
    wrong = [_strange(strange)] if strange else []
    for kind, alerts in found:
        wrong += _faults(kind, alerts, case.run.manifest.time_scale)
    verdict = case.missed if wrong else Verdict.PASS
    return case.result(ALERT_KINDS.name, verdict, measured, threshold, " ".join(wrong))


def _is_of(alert: Alert, kind: AlertKind) -> bool:
    return (alert.alert_type, alert.level, alert.action) == (kind.type, kind.level, kind.action)


def _strange(alerts: Sequence[Alert]) -> str:
    titles = list(dict.fromkeys(f"{alert.level} {alert.alert_type} {alert.action}" for alert in alerts))
    return f"{len(alerts)} alerts of no kind that is expected: {', '.join(titles[:_SHOWN_MAX])}."


def _faults(kind: AlertKind, alerts: Sequence[Alert], time_scale: float) -> Iterator[str]:
    """Yield what is wrong with the alerts of one kind, in sentences."""
    if len(alerts) < kind.at_least:
        yield f"{len(alerts)} are {kind.title}, not {kind.at_least}."
    if kind.at_most is not None and len(alerts) > kind.at_most:
        yield f"{len(alerts)} are {kind.title}, more than {kind.at_most}."
    for key, value in kind.context.items():
        if lacking := [alert for alert in alerts if not _holds(alert, key, value)]:
            shown = lacking[0].context.get(key)
            yield f"The context of {len(lacking)} {kind.title} has {key} = {shown!r}."
    if kind.apart_at_least is not None:
        times_s = sorted(alert.t_s for alert in alerts if alert.t_s is not None)
        gaps_s = [(later - earlier) * time_scale for earlier, later in pairwise(times_s)]
        if (least_s := min(gaps_s, default=kind.apart_at_least)) < _EARLY * kind.apart_at_least:
            yield f"Two {kind.title} came {least_s:.0f} s apart, not {kind.apart_at_least:g} s."


def _holds(alert: Alert, key: str, value: str | float | bool | None) -> bool:
    held = alert.context.get(key)
    return held == value if value is not None else held not in (None, "")


def _bounds(kind: AlertKind) -> str:
    most = "" if kind.at_most is None else f" to {kind.at_most}"
    apart = "" if kind.apart_at_least is None else f", {kind.apart_at_least:g} s apart"
    return f"{kind.at_least}{most or ' or more'} {kind.title}{apart}"


ALERT_KINDS = Check("alerts by kind", check, AlertKinds, key="alert_kinds")
