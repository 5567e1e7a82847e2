"""Lists what a run does not hold, in sentences, so that a partial report never passes for a whole one.

Used by the pages and the terminal. Looks only at what is there; whether the rest suffices for a verdict is the
checkers' to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.record import Judgement, RunRecord, TrialRecord


def missing(run: RunRecord, judgement: Judgement) -> tuple[str, ...]:
    """Return one sentence for each thing that a complete run has and this one lacks."""
    if not run.trials:
        return ("The run holds no trial: it ended before its first arm was started.",)
    counts_itself = any(trial.gauges for trial in run.trials)
    sentences = [sentence for trial in run.trials for sentence in _missing_of(trial, counts_itself=counts_itself)]
    if not judgement.checks:
        sentences.append("No check was made: no threshold was compared with anything.")
    return tuple(sentences)


def damaged(run: RunRecord) -> tuple[str, ...]:
    """Return one sentence for each file or line that could not be read."""
    return tuple(f"{trial.arm}: {sentence}" for trial in run.trials for sentence in trial.damaged)


def _missing_of(trial: TrialRecord, *, counts_itself: bool) -> list[str]:
    """Return what one trial lacks, in the order of the report; most workers write no counts of their own."""
    lacking = [
        (trial.limit is None, "how the memory limit was enforced"),
        (not trial.phases, "any phase, so its times are seconds since the trial's start"),
        (not trial.incarnations, "any incarnation of the worker, so no kill and no exit status"),
        (not trial.memory.t_s.size, "any memory sample"),
        (not trial.queue, "any sample of the broker's queue"),
        (counts_itself and not trial.gauges, "what the worker counts itself, as it does of another arm"),
        (_unseen_channels(trial), "what the channels of every incarnation could hold (prefetch)"),
        (not trial.publishes, "any publish"),
        (not trial.calls, "any call of the dependency"),
        (trial.outcomes_stored and not trial.outcomes, "any outcome that the worker stored"),
        (trial.queues is None, "what the queues held at the end"),
        (trial.drain is None, "a drain, so no account of its messages is sound"),
    ]
    sentences = [f"{trial.arm}: the record does not hold {what}." for absent, what in lacking if absent]
    if trial.drain is not None and not trial.drain.complete:
        sentences.append(
            f"{trial.arm}: the drain was not complete ({trial.drain.last_seen}): no account of its messages is sound."
        )
    return sentences


def _unseen_channels(trial: TrialRecord) -> bool:
    """Tell whether an incarnation consumed from no channel that was seen."""
    seen = {channel.incarnation for channel in trial.channels}
    return any(incarnation.index not in seen for incarnation in trial.incarnations)
