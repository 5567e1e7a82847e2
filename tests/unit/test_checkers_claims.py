"""The checks of single promises: retry times, kinds of alerts, results, other calls, old calls, a gentle end."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from harness.checkers.ends import gentle
from harness.checkers.ends.gentle import EndsGently
from harness.checkers.messages import alert_kinds, other_calls, results, retry_times
from harness.checkers.messages.alert_kinds import AlertKinds
from harness.checkers.messages.other_calls import OtherCallsAtMost
from harness.checkers.messages.results import Results
from harness.checkers.messages.retry_times import RetryTimes
from harness.checkers.progress import oldest_call
from harness.checkers.progress.oldest_call import OldestCallAtMost
from harness.record import Alert, CallOutcome, DependencyCall, FaultSpan, Outcome, QueueSample, Verdict
from tests.drill_records import AFTER, calls, case, incarnation

FAILED_AT = datetime(2026, 1, 1, 12, 0)  # noqa: DTZ001 - the record's times name no zone
HOURS_6 = RetryTimes(base="6h", jitter="20%", at_most="48h", messages_at_least=10)


def failed(*hours: float, attempt: int = 0) -> tuple[Outcome, ...]:
    """Return FAILED rows that are due so many hours after their failure."""
    return tuple(
        Outcome(
            f"f-{n:02d}-{each:g}",
            "FAILED",
            "MEMORY_API_TIMEOUT",
            attempt,
            str(FAILED_AT + timedelta(hours=each)),
            str(FAILED_AT),
        )
        for n, each in enumerate(hours)
    )


def spread(low: float, high: float, count: int = 12, attempt: int = 0) -> tuple[Outcome, ...]:
    """Return FAILED rows whose waits lie evenly between two of them, in hours."""
    return failed(*(low + (high - low) * n / (count - 1) for n in range(count)), attempt=attempt)


class TestRetryTimes:
    """``retry_times``: the wait of each attempt, and its spread."""

    @pytest.mark.parametrize(
        "outcomes", [spread(4.81, 7.19), spread(9.7, 14.3, attempt=1), spread(32.1, 47.9, attempt=7)]
    )
    def test_waits_in_the_window_of_their_attempt_pass(self, outcomes: tuple[Outcome, ...]) -> None:
        """Guarantees 6 h × 2^attempt ± 20 %, with the middle capped at 40 h so that no wait is above 48."""
        assert retry_times.check(case(AFTER, outcomes=outcomes), HOURS_6).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("outcomes", "said"),
        [
            pytest.param(spread(0.08, 0.12), "outside the window", id="minutes instead of hours"),
            pytest.param((*spread(4.81, 7.19), *failed(7.3)), "first: f-00-7.3 7.30 h", id="one beyond the jitter"),
            pytest.param(spread(4.81, 7.19, attempt=1), "outside the window", id="the wait of an earlier attempt"),
            pytest.param(spread(50, 70, attempt=4), "outside the window", id="beyond the longest wait"),
            pytest.param(failed(*[6.0] * 12), "use 0% of the spread", id="no jitter"),
            pytest.param(failed(*[47.999] * 12, attempt=5), "use 0% of the spread", id="all at the cap"),
            pytest.param(spread(4.81, 7.19, count=9), "Too few", id="too few"),
            pytest.param((), "Too few", id="none at all"),
        ],
    )
    def test_any_other_wait_is_a_failure(self, outcomes: tuple[Outcome, ...], said: str) -> None:
        """Guarantees that hours that became minutes, a lost jitter and a lost cap are each told apart."""
        result = retry_times.check(case(AFTER, outcomes=outcomes), HOURS_6)

        assert result.verdict is Verdict.FAIL
        assert said in result.detail

    def test_waits_that_never_grew_are_too_few_at_the_attempt_that_is_named(self) -> None:
        """Guarantees that a worker that counts no retry is caught where a later attempt has to be seen."""
        later = HOURS_6.model_copy(update={"attempt_at_least": 3})
        assert retry_times.check(case(AFTER, outcomes=spread(4.81, 7.19)), later).verdict is Verdict.FAIL
        assert retry_times.check(case(AFTER, outcomes=spread(33, 47, attempt=3)), later).verdict is Verdict.PASS

    @pytest.mark.parametrize("failed_at", [None, "yesterday", "2026-01-01 12:00:00+00:00"])
    def test_without_the_time_of_a_failure_nothing_is_known(self, failed_at: str | None) -> None:
        """Guarantees that a store which keeps no such time is not called punctual."""
        outcomes = (*spread(4.81, 7.19), replace(failed(6)[0], failed_at=failed_at))
        assert retry_times.check(case(AFTER, outcomes=outcomes), HOURS_6).verdict is Verdict.UNKNOWN


KIND = {
    "type": "EXTERNAL_API_TIMEOUT",
    "level": "HIGH",
    "action": "marked_failed_no_requeue",
    "context": {"component": "worker", "conversation_id": None},
}
CONTEXT = {"component": "worker", "conversation_id": "c-001", "action": "marked_failed_no_requeue"}


def alert(t_s: float = 10.0, **changes: Any) -> Alert:
    """Return an alert of the kind expected, with ``changes``."""
    kind = {"alert_type": KIND["type"], "level": KIND["level"], "action": KIND["action"], "context": CONTEXT}
    return Alert(t_s=t_s, **{**kind, **changes})


def kinds(**changes: Any) -> AlertKinds:
    """Return the expectation of one kind, with ``changes``."""
    return AlertKinds.model_validate({"kinds": ({**KIND, **changes},)})


class TestAlertKinds:
    """``alert_kinds``: type, level, action, context and rate."""

    def test_alerts_of_the_kind_expected_pass(self) -> None:
        """Guarantees that 300 incident seconds are thirty of the replay, at a scale of ten."""
        alerts = (alert(10.0), alert(40.0), alert(70.0))
        found = alert_kinds.check(case(AFTER, alerts=alerts), kinds(apart_at_least="300s", at_most=3))
        assert found.verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("alerts", "said"),
        [
            pytest.param((alert(alert_type="WORKFLOW_EXECUTION_FAILURE"),), "of no kind", id="another type"),
            pytest.param((alert(level="CRITICAL"),), "of no kind", id="another level"),
            pytest.param((alert(action="requeued_later"),), "of no kind", id="another action"),
            pytest.param((alert(context={}),), "has component = None", id="no context"),
            pytest.param((alert(context={**CONTEXT, "component": "cron"}),), "'cron'", id="another value"),
            pytest.param((alert(context={"component": "worker"}),), "has conversation_id = None", id="a key less"),
            pytest.param((alert(10.0), alert(20.0)), "came 100 s apart", id="too often"),
            pytest.param((), "0 are HIGH", id="none"),
            pytest.param(tuple(alert(10.0 + 40 * n) for n in range(5)), "more than 4", id="too many"),
        ],
    )
    def test_any_other_alert_is_a_failure(self, alerts: tuple[Alert, ...], said: str) -> None:
        """Guarantees that each part of the promise is held by itself."""
        result = alert_kinds.check(case(AFTER, alerts=alerts), kinds(apart_at_least="300s", at_most=4))

        assert result.verdict is Verdict.FAIL
        assert said in result.detail

    def test_a_trial_that_was_cut_off_says_nothing(self) -> None:
        """Guarantees that alerts which could still have come are not missed."""
        assert alert_kinds.check(case(AFTER, alerts=(), drain=None), kinds()).verdict is Verdict.UNKNOWN


def processed(*values: float | None) -> tuple[Outcome, ...]:
    """Return PROCESSED rows with these results."""
    return tuple(Outcome(f"c-{n:03d}", "PROCESSED", None, 0, None, None, value) for n, value in enumerate(values))


class TestResults:
    """``results``: the recorded value of each processed message."""

    EXPECTED = Results(at_least=56, at_most=58.5, different_at_least=2, messages_at_least=3)

    def test_values_in_the_range_pass_whatever_failed_messages_have(self) -> None:
        """Guarantees that only what was processed needs a result."""
        outcomes = (*processed(56, 57, 58.5), *failed(6))
        assert results.check(case(AFTER, outcomes=outcomes), self.EXPECTED).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        "values", [(0, 57, 58), (56, 57, None), (57, 57, 57), (56, 57), ()], ids=["zero", "none", "same", "few", "no"]
    )
    def test_any_other_value_is_a_failure(self, values: tuple[float | None, ...]) -> None:
        """Guarantees that a constant, a zero and a value that is missing are each seen."""
        outcomes = (*processed(*values), *failed(6))
        assert results.check(case(AFTER, outcomes=outcomes), self.EXPECTED).verdict is Verdict.FAIL

    def test_a_store_that_was_not_read_says_nothing(self) -> None:
        """Guarantees unknown for a worker that is judged from outside."""
        assert results.check(case(AFTER, outcomes=()), self.EXPECTED).verdict is Verdict.UNKNOWN

    def test_a_range_that_is_upside_down_is_refused(self) -> None:
        """Guarantees that no expectation is one which nothing can meet."""
        with pytest.raises(ValidationError, match="lower one first"):
            Results(at_least=2, at_most=1)


class TestOtherCalls:
    """``other_calls_at_most``: endpoints that do no message's work."""

    def test_a_call_of_another_endpoint_is_counted(self) -> None:
        """Guarantees that a step which is switched off and called all the same is seen."""
        other = replace(calls()[0], path="/chat", primary=False)
        found = other_calls.check(case(AFTER, calls=(*calls(), other)), OtherCallsAtMost(count=0))
        assert found.verdict is Verdict.FAIL
        assert "1 of /chat" in found.measured
        assert other_calls.check(case(AFTER), OtherCallsAtMost(count=0)).verdict is Verdict.PASS

    def test_without_any_call_nothing_is_known(self) -> None:
        """Guarantees that a worker which called nobody has not kept the promise."""
        assert other_calls.check(case(AFTER, calls=()), OtherCallsAtMost()).verdict is Verdict.UNKNOWN


class TestOldestCall:
    """``oldest_call_at_most``: in incident time, at a scale of ten."""

    SIXTY = OldestCallAtMost(age="90s", reached="55s")

    @pytest.mark.parametrize(
        ("duration_s", "verdict"), [(6.0, Verdict.PASS), (9.1, Verdict.FAIL), (5.4, Verdict.UNKNOWN)]
    )
    def test_the_oldest_call_decides(self, duration_s: float, verdict: Verdict) -> None:
        """Guarantees both edges: older than the claim fails, younger than the deadline proves nothing."""
        only = replace(calls()[-1], duration_s=duration_s)
        assert oldest_call.check(case(AFTER, calls=(only,)), self.SIXTY).verdict is verdict

    def test_a_call_without_an_end_is_as_old_as_the_worker_let_it_grow(self) -> None:
        """Guarantees that a call which nobody ended is not overlooked."""
        hangs = replace(calls()[-1], arrived_s=30.0, duration_s=None, outcome=CallOutcome.OPEN)
        result = oldest_call.check(case(AFTER, calls=(hangs,)), self.SIXTY)
        assert result.verdict is Verdict.FAIL
        assert "190 s" in result.measured

    def test_without_calls_nothing_is_known(self) -> None:
        """Guarantees unknown for a journal that is empty."""
        assert oldest_call.check(case(AFTER, calls=()), self.SIXTY).verdict is Verdict.UNKNOWN


TERMINATED = FaultSpan("burst.0.0", "worker_terminated", "grace 60 s", 20.0, 20.1, 24.0)


def call(name: str, arrived_s: float, duration_s: float | None = 3.0, **changes: Any) -> DependencyCall:
    """Return a call that is answered, with ``changes``."""
    answered = DependencyCall(
        "/extract_facts", name, 1, "answer", 200, arrived_s, duration_s, CallOutcome.ANSWERED, good=True
    )
    return replace(answered, **changes)


def stopped(**changes: Any) -> dict[str, Any]:
    """Return the record of a worker that ends gently at 20 s with two messages in hand, with ``changes``."""
    record: dict[str, Any] = {
        "faults": (TERMINATED,),
        "incarnations": (
            incarnation(0, ended_s=23.0, exit_status=0, ended_by="a fault"),
            incarnation(1, started_s=24.0),
        ),
        "calls": (call("a", 5.0), call("b", 18.0), call("c", 19.5), call("d", 25.0)),
        "queue": (QueueSample(19.0, 3, 2, 0, 5), QueueSample(30.0, 0, 0, 0, 9)),
    }
    return {**record, **changes}


class TestGentleEnd:
    """``ends_gently``: exit 0, the work in hand finished, nothing of it done again."""

    EXPECTED = EndsGently(in_hand_at_least=2, redelivered_at_most=1)

    def test_a_gentle_end_passes(self) -> None:
        """Guarantees that one redelivery of what nobody had begun is no fault."""
        queue = (QueueSample(19.0, 3, 2, 4, 5), QueueSample(30.0, 0, 0, 5, 9))
        result = gentle.check(case(AFTER, **stopped(queue=queue)), self.EXPECTED)
        assert (result.verdict, result.measured) == (Verdict.PASS, "1 ends, 2 or more messages in hand, 1 redelivered")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param(
                {"incarnations": (incarnation(0, ended_s=23.0, exit_status=1, ended_by="a fault"),)},
                "ended with 1",
                id="an error status",
            ),
            pytest.param(
                {"calls": (call("b", 18.0, 2.1, outcome=CallOutcome.CLIENT_GONE, good=False), call("c", 19.5))},
                "1 of 2 messages in hand were not finished: b",
                id="a call cut off",
            ),
            pytest.param(
                {"calls": (call("b", 18.0), call("c", 19.5), call("c", 25.0))}, "called for again: c", id="done again"
            ),
            pytest.param(
                {"calls": (call("b", 18.0), call("c", 19.5), call("e", 21.0))},
                "began 1 more messages: e",
                id="new work",
            ),
            pytest.param(
                {"queue": (QueueSample(19.0, 3, 2, 0, 5), QueueSample(30.0, 0, 0, 2, 9))},
                "delivered 2",
                id="redelivered",
            ),
        ],
    )
    def test_any_other_end_is_a_failure(self, changes: dict[str, Any], said: str) -> None:
        """Guarantees that each part of the promise is held by itself."""
        result = gentle.check(case(AFTER, **stopped(**changes)), self.EXPECTED)

        assert result.verdict is Verdict.FAIL
        assert said in result.detail

    def test_an_end_with_too_little_in_hand_proves_nothing(self) -> None:
        """Guarantees unknown for a worker that was idle when it was asked."""
        idle = stopped(calls=(call("a", 5.0), call("b", 18.0)))
        assert gentle.check(case(AFTER, **idle), self.EXPECTED).verdict is Verdict.UNKNOWN

    def test_a_worker_that_was_never_asked_proves_nothing(self) -> None:
        """Guarantees unknown where the scenario ends no worker."""
        assert gentle.check(case(AFTER), self.EXPECTED).verdict is Verdict.UNKNOWN
