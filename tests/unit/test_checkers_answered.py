"""The checkers of a worker that isn't ours: what pika-mem0 and the broker saw, and what only a table could tell."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from harness.checkers.case import Case
from harness.checkers.messages import accounted, answered
from harness.judging import judge
from harness.judging.judge import case_of
from harness.record import CallOutcome, DependencyCall, Drain, Outcome, QueueKind, QueueLeft, QueueSample, Verdict
from harness.scenario import Scenario
from tests.drill_records import AFTER, BEFORE, incarnation, publishes, queue, run_of, trial
from tests.scenario_documents import document


def answers(count: int = 50, **changes: Any) -> tuple[DependencyCall, ...]:
    """Return one call for each message, answered with a success, but for ``changes`` of the third."""
    calls = [
        DependencyCall("/extract_facts", f"c-{n:03d}", 1, "answer", 200, float(n), 0.2, CallOutcome.ANSWERED, good=True)
        for n in range(count)
    ]
    calls[3] = replace(calls[3], **changes)
    return tuple(calls)


def foreign() -> Scenario:
    """Return the drill with a worker that is a command."""
    data = document()
    data["arms"]["fixed"] |= {"worker": {"command": ["worker"]}, "expect": {"all_answered": {}}}
    return Scenario.model_validate(data)


def case(**changes: Any) -> Case:
    """Return the case of an arm whose worker is a command, all of whose messages were answered and acknowledged."""
    good: dict[str, Any] = {"calls": answers(), "queue": queue(1.1), "outcomes": (), "gauges": ()}
    record, other = trial(AFTER, **{**good, **changes}), trial(BEFORE)
    return case_of(AFTER, record, run_of(record, other), foreign())


class TestAnswered:
    """``all_answered``: the ledger as it can be kept from outside."""

    def test_every_message_answered_and_acknowledged_passes(self) -> None:
        """Guarantees the good case, with its counts."""
        result = answered.check(case())

        assert result.verdict is Verdict.PASS
        assert (
            result.measured
            == "50 answered, 53 acknowledged, of 50 confirmed; 0 called again, 0 of them answered well again"
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": 500, "good": False},
            {"status": None, "good": False},
            {"outcome": CallOutcome.CLIENT_GONE, "good": False},
            {"mode": "invalid_json", "good": False},
            {"path": "/openai/v1/chat/completions", "primary": False},
            {"message_id": None},
        ],
        ids=["a failure", "no answer", "a client that left", "no JSON", "another path", "nobody's call"],
    )
    def test_one_message_without_a_success_fails(self, changes: dict[str, Any]) -> None:
        """Guarantees that a single message that was never answered well fails the arm, by name."""
        result = answered.check(case(calls=answers(**changes)))

        assert result.verdict is Verdict.FAIL
        assert result.measured.endswith("; 1 lost")
        assert result.detail == "Never answered. Lost, first: c-003."

    def test_a_message_answered_twice_is_counted_and_no_failure(self) -> None:
        """Guarantees that a redelivery shows, as at-least-once delivery allows."""
        result = answered.check(case(calls=(*answers(), answers()[7])))

        assert result.verdict is Verdict.PASS
        assert result.measured.endswith("1 called again, 1 of them answered well again")

    def test_an_answer_to_nobodys_message_is_not_counted(self) -> None:
        """Guarantees that calls of other conversations make up for nothing."""
        stranger = replace(answers()[0], message_id="c-999")
        assert answered.check(case(calls=(*answers(status=500, good=False), stranger))).verdict is Verdict.FAIL

    def test_a_message_that_left_without_an_acknowledgement_fails(self) -> None:
        """Guarantees that a consumer with auto-ack, or one that rejects, does not pass for one that acknowledges."""
        result = answered.check(case(queue=queue(0.5)))

        assert result.verdict is Verdict.FAIL
        assert "without an acknowledgement" in result.detail

    def test_missing_acknowledgements_of_a_worker_that_died_are_unknown(self) -> None:
        """Guarantees that the counts a dead connection took with it are not held against the worker."""
        assert (
            answered.check(case(queue=queue(0.5), incarnations=(incarnation(), incarnation(1)))).verdict
            is Verdict.UNKNOWN
        )

    def test_a_message_that_was_never_confirmed_may_be_missing(self) -> None:
        """Guarantees that only what the broker promised is demanded."""
        promised = tuple(
            replace(each, confirmed_s=None) if each.message_id == "c-003" else each for each in publishes()
        )
        assert answered.check(case(calls=answers(status=500, good=False), publishes=promised)).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"drain": None}, "the trial was cut off"),
            ({"drain": Drain(complete=False, waited_s=9.0, last_seen="7 ready")}, "not drained: 7 ready."),
            ({"damaged": ("calls.jsonl line 3 is torn",), "calls": answers()[1:]}, "The ledger is not whole"),
            ({"damaged": ("publishes.jsonl line 3 is torn",)}, "The ledger is not whole"),
            ({"publishes": ()}, "Nothing was confirmed."),
            ({"queue": ()}, "counts were never read"),
        ],
        ids=["cut off", "not drained", "calls torn", "publishes torn", "nothing confirmed", "broker not asked"],
    )
    def test_a_record_that_does_not_suffice_is_unknown(self, changes: dict[str, Any], said: str) -> None:
        """Guarantees that no ledger is closed on half a record: not lost, not passed."""
        result = answered.check(case(**changes))

        assert result.verdict is Verdict.UNKNOWN
        assert said in result.detail

    def test_a_bad_answer_is_a_call_again_too(self) -> None:
        """Guarantees that a storm of failed calls leaves its trace where all is answered in the end."""
        bad = replace(answers()[7], status=503, good=False)
        result = answered.check(case(calls=(*answers(), *(bad,) * 400)))

        assert result.verdict is Verdict.PASS
        assert result.measured.endswith("400 called again, 0 of them answered well again")

    def test_a_message_that_waits_in_a_queue_is_not_called_lost(self) -> None:
        """Guarantees that the ledger knows where a message lies, be it waiting for its time or set aside."""
        waiting = QueueLeft("work.wait", QueueKind.WAITING, 1, ("c-003",))
        aside = QueueLeft("work.dead", QueueKind.ASIDE, 1, ("c-003",))

        for queue_left, place in ((waiting, "waiting in work.wait"), (aside, "aside in work.dead")):
            result = answered.check(case(calls=answers(status=503, good=False), queues=(queue_left,)))
            assert result.verdict is Verdict.FAIL
            assert result.measured.endswith(f"1 {place}")
            assert "lost" not in f"{result.measured} {result.detail}".lower()

    STUCK: ClassVar[dict[str, Any]] = {
        "calls": answers()[:30],
        "drain": Drain(complete=False, waited_s=5.0, last_seen="16 ready, 4 unacknowledged"),
        "queue": tuple(QueueSample(n / 2, 16, 4, 0, min(n, 30)) for n in range(98)),
    }

    def test_a_worker_that_is_stuck_fails_and_recovers_is_named(self) -> None:
        """Guarantees that a worker which stands still while its dependency is well is guilty, not merely unknown."""
        result = answered.check(case(**self.STUCK))

        assert result.verdict is Verdict.FAIL
        assert result.detail.startswith("The worker is stuck: 4 messages unacknowledged, 16 ready, and none finished")
        assert "recovers" in result.detail

    @pytest.mark.parametrize(
        "changes",
        [
            {"queue": tuple(QueueSample(n / 2, 16, 4, 0, n) for n in range(98))},
            {"calls": (*answers()[:30], replace(answers()[30], arrived_s=46.0))},
            {"incarnations": (incarnation(ended_by="itself"),)},
            {"drain": Drain(complete=False, waited_s=1.0, last_seen="16 ready")},
            {"queue": tuple(QueueSample(n / 2, 0, 0, 0, 30, 0, 16) for n in range(98))},
        ],
        ids=["gets on", "still calls", "is gone", "too short a wait", "waits for its time"],
    )
    def test_a_worker_that_may_still_get_on_is_not_called_stuck(self, changes: dict[str, Any]) -> None:
        """Guarantees that slowness, retries that wait, and a short look are unknown, as every drain that lacks."""
        assert answered.check(case(**{**self.STUCK, **changes})).verdict is Verdict.UNKNOWN

    def test_a_dependency_that_is_down_excuses_a_standstill(self) -> None:
        """Guarantees that nobody is called stuck while no call can be answered; a rule of 0.1 % excuses nothing."""
        of = case(**self.STUCK)
        down = replace(of.phases[-1], faulty_shares={"status": 1.0})
        rare = replace(of.phases[-1], faulty_shares={"status": 0.001})
        assert answered.check(replace(of, phases=(*of.phases[:-1], down))).verdict is Verdict.UNKNOWN
        assert answered.check(replace(of, phases=(*of.phases[:-1], rare))).verdict is Verdict.FAIL

    def test_the_judge_asks_it_where_it_is_expected(self) -> None:
        """Guarantees that the expectation reaches the verdict."""
        bad = case(calls=answers(status=500, good=False))
        checks = [result for result in judge(bad.run, foreign()).checks if result.check == answered.CHECK.name]

        assert [(result.arm, result.verdict) for result in checks] == [(AFTER, Verdict.FAIL)]


class TestTheStoreOfAnotherProgram:
    """``all_accounted`` of a worker whose outcomes the harness can't read."""

    def test_a_table_that_nobody_touched_is_unknown_and_says_what_to_expect_instead(self) -> None:
        """Guarantees that a worker which has no use for our table did not lose every message."""
        untouched = tuple(Outcome(f"c-{n:03d}", "PENDING", None, 0, None) for n in range(50))
        result = accounted.check(case(outcomes=untouched, outcomes_stored=False))

        assert result.verdict is Verdict.UNKNOWN
        assert "all_answered" in result.detail

    def test_a_table_that_was_used_is_judged_like_any_other(self) -> None:
        """Guarantees that a command which writes the table is held to all of it."""
        used = tuple(Outcome(f"c-{n:03d}", "PENDING" if n else "PROCESSED", None, 0, None) for n in range(50))
        assert accounted.check(case(outcomes=used)).verdict is Verdict.FAIL
