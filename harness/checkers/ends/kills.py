"""Was the worker OOM-killed as production was, or was nothing in it ever killed at all?

A kill is any process's in the worker's memory limit, whether its first process lived on or not;
``harness.record.facts`` has the definition, with its three witnesses. How often the worker was started again is another
question: ``restarts`` beside the kills here, and ``incarnations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Fraction, Strict, Whole
from harness.record import EndedBy, Verdict
from harness.record.facts import (
    SIGKILL_STATUS,
    counted_kills,
    doubtful_kill,
    limit_bytes,
    mib,
    oom_kill_count,
    oom_kills,
    restarts,
    victim,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, Incarnation

_SIGNAL_BASE = 128  # a shell shows a death by signal as this plus its number
_KILLERS = (EndedBy.KERNEL, EndedBy.WATCHDOG, EndedBy.UNKNOWN_SIGKILL)
_ASKED = (EndedBy.HARNESS, EndedBy.FAULT, EndedBy.SUPERVISOR)


class OomKilled(Strict):
    """The kernel kills this many processes of the worker for memory, and it is started again this often.

    A kill counts whether the worker's first process was its victim or lived on. Where the limit takes the whole
    container, what goes at once is one kill.
    """

    kills: Annotated[Whole, Field(ge=1)] = 1
    restarts: Annotated[Whole, Field(ge=0)] = 0
    peak_at_least: Fraction = 0.99  # of the limit, by the kernel's own high-water mark


class NeverKilled(Strict):
    """Nothing kills a process of the worker: not the kernel for memory, not a crash, not an unknown SIGKILL.

    An end that the worker chose is no kill, and neither is one that a fault of the scenario brought: it may exit with
    0 and be started again. An exit with another status is a crash where a signal ended it, and chosen where it did not;
    one_incarnation forbids them all.
    """


def check_killed(case: Case, expected: OomKilled) -> CheckResult:
    """Pass with exactly the expected kills and restarts; a survivor has not reproduced the incident: unknown."""
    trial = case.trial
    limit = limit_bytes(trial, case.run.manifest)
    kills, restarted = oom_kill_count(trial, limit, expected.peak_at_least), restarts(trial)
    peak = max((incarnation.peak_bytes for incarnation in trial.incarnations), default=0)
    threshold = (
        f"{expected.kills} OOM kills at a peak of {expected.peak_at_least:.0%} of {mib(limit)};"
        f" {expected.restarts} restarts"
    )
    measured = f"{kills} kills, {restarted} restarts, peak {mib(peak)}"
    if trial.limit is None:
        detail = "How the limit was enforced was not recorded."
        return case.result(KILLED.name, Verdict.UNKNOWN, measured, threshold, detail)
    if trial.limit.emulated:
        detail = "The limit is emulated: no kernel kill is possible."
        return case.result(KILLED.name, Verdict.UNKNOWN, measured, threshold, detail)
    victims = _victims(trial.incarnations, limit, expected.peak_at_least)
    if kills == expected.kills and restarted == expected.restarts:
        return case.result(KILLED.name, Verdict.PASS, measured, threshold, f"The kernel killed {'; '.join(victims)}.")
    doubts = [
        doubt
        for incarnation in trial.incarnations
        if (doubt := doubtful_kill(incarnation, limit, expected.peak_at_least)) is not None
    ]
    if doubts:
        detail = f"{doubts[0][:1].upper()}{doubts[0][1:]}."
    elif not kills:
        detail = f"The incident was not reproduced: the worker survived with a peak of {mib(peak)}."
    else:
        detail = (
            "The incident was not reproduced as it was recorded: another number of kills or restarts."
            f" The kernel killed {'; '.join(victims)}."
        )
    return case.result(KILLED.name, case.missed, measured, threshold, detail)


def check_never_killed(case: Case) -> CheckResult:
    """Pass where every incarnation's end is on record and nothing was killed; missed where anything was."""
    incarnations = case.trial.incarnations
    threshold = "no process killed, no crash"
    if not incarnations:
        return case.result(SURVIVED.name, Verdict.UNKNOWN, "the worker was never started", threshold)
    killed = [said for incarnation in incarnations for said in _killed(incarnation)]
    if killed:
        detail = f"{killed[0]}. See the log worker-{next(each.index for each in incarnations if [*_killed(each)])}."
        return case.result(SURVIVED.name, case.missed, f"{len(killed)} kills", threshold, detail)
    if any(incarnation.ended_by == EndedBy.UNKNOWN for incarnation in incarnations):
        detail = "The record of an end of the worker is missing."
        return case.result(SURVIVED.name, Verdict.UNKNOWN, f"{len(incarnations)} incarnations", threshold, detail)
    chosen = sum(incarnation.ended_by == EndedBy.ITSELF for incarnation in incarnations)
    measured = "never killed" + (f"; it ended by itself {chosen} times, which is no kill" if chosen else "")
    return case.result(SURVIVED.name, Verdict.PASS, measured, threshold)


def _victims(incarnations: tuple[Incarnation, ...], limit: int, peak_at_least: float) -> list[str]:
    return [
        f"{victim(kill, incarnation)} (incarnation {incarnation.index})"
        for incarnation in incarnations
        for kill in oom_kills(incarnation, limit, peak_at_least)
    ]


def _killed(incarnation: Incarnation) -> Iterator[str]:
    """Yield what was killed in an incarnation, each in a clause that begins a sentence."""
    name = f"incarnation {incarnation.index}"
    kills = counted_kills(incarnation)
    for kill in kills:
        yield f"The kernel's OOM killer took {victim(kill, incarnation)} ({name})"
    for _ in range(incarnation.oom_kill_delta - len(kills)):
        yield f"The kernel's OOM killer took a process of {name} that nobody saw go"
    if any(kill.first_process for kill in kills):
        return
    if incarnation.ended_by == EndedBy.WATCHDOG:
        yield f"The watchdog of the emulated limit killed {name}"
    elif incarnation.ended_by in _KILLERS or (
        incarnation.exit_status == SIGKILL_STATUS and not kills and incarnation.ended_by not in _ASKED
    ):
        yield f"Something sent SIGKILL to {name}, and the kernel counted no OOM kill"
    elif incarnation.ended_by == EndedBy.ITSELF and (incarnation.exit_status or 0) > _SIGNAL_BASE:
        yield f"{name.capitalize()} crashed by signal {(incarnation.exit_status or 0) - _SIGNAL_BASE}"


KILLED = Check(
    "killed by the kernel",
    check_killed,
    OomKilled,
    key="oom_killed",
    only_failing=True,
    restarts="restarts",
    excludes=("never_killed",),
    reaches_limit=True,
)
SURVIVED = Check("never killed", check_never_killed, NeverKilled, key="never_killed")
