"""The ledger against generated histories: what is planted is always caught, and by its name; nothing else is accused.

How many histories each test tries is ``LEDGER_HISTORIES``; ``make ledger-histories`` tries ten thousand of each.
"""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.checkers.messages import accounted
from harness.judging.judge import case_of
from harness.ledger import account_of
from harness.record import TrialRecord, Verdict
from tests.drill_records import run_of, scenario
from tests.ledger_histories import HISTORIES, ghost_added, outcome_taken, side_effect_repeated, side_effect_taken

histories = settings(
    max_examples=int(os.environ.get("LEDGER_HISTORIES", "150")), suppress_health_check=list(HealthCheck)
)
SCENARIO, RUN = scenario(), run_of()


def verdict_of(trial: TrialRecord) -> Verdict:
    """Return what the checker says of the trial."""
    return accounted.check(case_of("fixed", trial, RUN, SCENARIO)).verdict


def processed(trial: TrialRecord) -> list[str]:
    """Return the messages that are PROCESSED, of which each history has one at the least."""
    return [row.message_id for row in trial.outcomes if row.status == "PROCESSED"]


def confirmed(trial: TrialRecord) -> list[str]:
    """Return the confirmed messages."""
    return [publish.message_id for publish in trial.publishes if publish.confirmed_s is not None]


def nobody(_trial: TrialRecord) -> list[str]:
    """Return a name that no history uses."""
    return ["ghost-of-nobody"]


@histories
@given(HISTORIES)
def test_a_valid_history_raises_no_alarm(trial: TrialRecord) -> None:
    """Guarantees no false alarm: kills, failed calls, lies, recovered and unconfirmed messages are nobody's fault."""
    account = account_of(trial)

    assert account.offending == ()
    assert account.unsound == ()
    assert verdict_of(trial) is Verdict.PASS


@pytest.mark.parametrize(
    ("plant", "whom", "mark"),
    [
        (outcome_taken, confirmed, "lost"),
        (side_effect_repeated, processed, "duplicated"),
        (side_effect_taken, processed, "phantom_success"),
        (ghost_added, nobody, "unexpected"),
    ],
    ids=["loss", "duplicate", "phantom_success success", "ghost"],
)
@histories
@given(trial=HISTORIES, which=st.integers(0, 1000), how=st.integers(0, 11))
def test_what_is_planted_is_caught_by_name_and_nobody_else_is_accused(
    plant: Callable[[TrialRecord, str, int], TrialRecord],
    whom: Callable[[TrialRecord], list[str]],
    mark: str,
    trial: TrialRecord,
    which: int,
    how: int,
) -> None:
    """Guarantees that one offence among many messages turns the verdict, and that the ledger names its message."""
    names = whom(trial)
    name = names[which % len(names)]

    planted = plant(trial, name, how)
    result = accounted.check(case_of("fixed", planted, RUN, SCENARIO))

    assert [message.message_id for message in account_of(planted).offending] == [name]
    assert result.verdict is Verdict.FAIL
    assert f"1 {mark}" in result.measured


@histories
@given(trial=HISTORIES, what=st.sampled_from(["drain", "queues"]), how=st.integers(0, 2))
def test_an_offence_without_a_drain_is_unknown(trial: TrialRecord, what: str, how: int) -> None:
    """Guarantees that neither a pass nor a failure comes of a trial that was not drained."""
    undrained = replace(trial, drain=None) if what == "drain" else replace(trial, queues=None)

    assert verdict_of(undrained) is Verdict.UNKNOWN
    assert verdict_of(outcome_taken(undrained, "c-00", how) if undrained.queues else undrained) is Verdict.UNKNOWN
