"""The ledger in detail: the counts of an account, why one proves nothing, and a whole story word by word."""

from dataclasses import replace

import pytest

from harness.ledger import account_of, story_of, when
from harness.record import (
    Alert,
    CallOutcome,
    DependencyCall,
    Drain,
    Event,
    Outcome,
    Publish,
    QueueKind,
    QueueLeft,
    QueueSample,
    TrialRecord,
)
from tests.drill_records import AFTER, BEFORE, KILL_S, RESTART_S, incarnation, killed, trial

PROCESSED = Outcome("m", "PROCESSED", None, 0, None)
CUT = DependencyCall("/work", "m", 1, "hang_forever", None, 30.0, 1.99, CallOutcome.CLIENT_GONE)
GOOD = DependencyCall("/work", "m", 2, "answer", 200, 41.0, 0.25, CallOutcome.ANSWERED, good=True)


def one(*calls: DependencyCall, **changes: object) -> TrialRecord:
    """Return the incident's trial with one message ``m`` alone, published at 28 s."""
    record = trial(
        BEFORE,
        publishes=(Publish("m", 28.0, 28.2, 28.3, 3_000_000, None),),
        calls=calls,
        outcomes=(PROCESSED,),
        incarnations=(killed(), incarnation(1, started_s=RESTART_S)),
        faults=(),
        events=(Event(49.0, "trial_ended"),),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def texts(record: TrialRecord) -> list[tuple[float, str, str]]:
    """Return the moments of the message's story."""
    story = story_of(record, account_of(record), "m")
    assert story is not None
    return [(moment.t_s, moment.kind, moment.text) for moment in story.moments]


def test_an_account_counts_what_was_published_confirmed_redelivered_and_nameless() -> None:
    """Guarantees each of the four by a number of its own."""
    record = trial(
        AFTER,
        publishes=(
            *(Publish(name, 1.0, 1.0, 1.1, 100, None) for name in "abc"),
            Publish("d", 1.0, 1.0, None, 100, "nacked"),
            Publish("a", 2.0, 2.0, 2.1, 100, None),
        ),
        outcomes=tuple(Outcome(name, "PROCESSED", None, 0, None) for name in "abcd"),
        calls=tuple(replace(GOOD, message_id=name, arrived_s=3.0) for name in "aabccc"),
        queue=(QueueSample(1.0, 0, 0, 1, 0), QueueSample(2.0, 0, 0, 7, 4)),
        queues=(
            QueueLeft("work", QueueKind.WORK, 0, ()),
            QueueLeft("dead", QueueKind.ASIDE, 3, (None, "a", None)),
        ),
    )
    account = account_of(record)

    assert (account.published, account.confirmed, account.redelivered, account.nameless) == (4, 3, 7, 2)
    assert account.called_again == 3
    assert [message.message_id for message in account.duplicated] == ["a", "c"]
    assert [message.message_id for message in account.phantom_success] == ["d"]
    assert [message.message_id for message in account.recovered] == ["d"]
    assert [message.message_id for message in account.offending] == ["a", "c", "d"]
    assert account_of(replace(record, queue=())).redelivered is None


def test_calls_without_a_message_and_of_other_endpoints_count_for_nobody() -> None:
    """Guarantees that only a primary call of the message itself is its side effect."""
    others = (replace(GOOD, message_id=None), replace(GOOD, primary=False))
    (message,) = account_of(one(*others)).messages
    assert (message.message_id, message.calls, message.side_effects) == ("m", 0, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"drain": None}, "the queues were not drained: the trial was cut off"),
        ({"drain": Drain(complete=False, waited_s=1.0, last_seen="3 ready")}, "the queues were not drained: 3 ready"),
        ({"damaged": ("calls.jsonl: a torn line",)}, "calls.jsonl: a torn line"),
        ({"publishes": (Publish("m", 28.0, 28.2, None, 1, None),)}, "nothing was confirmed"),
        ({"queues": None}, "what the queues held in the end is not known: queues.json is missing"),
    ],
)
def test_an_account_says_why_it_proves_nothing(changes: dict[str, object], said: str) -> None:
    """Guarantees one sentence for one hole in the record, and none for a record that is whole."""
    assert account_of(one(CUT, GOOD)).unsound == ()
    assert account_of(one(CUT, GOOD, **changes)).unsound == (said,)


def test_a_whole_story_is_told_word_by_word() -> None:
    """Guarantees every sentence from the publish to the row, with what happened to the worker meanwhile."""
    record = one(
        CUT,
        GOOD,
        outcomes=(Outcome("m", "FAILED", "MEMORY_API_TIMEOUT", 2, None),),
        events=(
            Event(27.0, "phase_entered", {"phase": "too early"}),
            Event(40.0, "phase_entered", {"phase": "recovery", "scale": 10}),
            Event(40.5, "sampled", {"not": "told"}),
            Event(49.0, "trial_ended"),
        ),
        alerts=(
            Alert("EXTERNAL_API_TIMEOUT", "HIGH", "given_up", 35.0, "m", "timed out"),
            Alert("EXTERNAL_API_TIMEOUT", "HIGH", "given_up", 35.5, "another", "timed out"),
            Alert("EXTERNAL_API_TIMEOUT", "HIGH", "given_up", None, "m", "at no known time"),
        ),
        queues=(
            QueueLeft("work", QueueKind.WORK, 1, ("m",)),
            QueueLeft("dead", QueueKind.ASIDE, 1, ("m",)),
            QueueLeft("other", QueueKind.ASIDE, 1, ("n",)),
        ),
    )

    assert texts(record) == [
        (28.2, "published", "publish attempt, 3000 kB, 0.200 s after its time"),
        (28.3, "confirmed", "the broker confirmed it"),
        (
            30.0,
            "call_began",
            "call 1 of /work by incarnation 0 of the worker; the dependency's mode is hang_forever",
        ),
        (
            31.99,
            "call_ended",
            "call 1 of /work ended: client gone, status none, after 1.990 s; cut by the end of incarnation 0 (kernel)",
        ),
        (
            KILL_S,
            "worker_ended",
            "incarnation 0 of the worker ended by kernel, exit status 137, oom_kill +1",
        ),
        (RESTART_S, "worker_started", "incarnation 1 of the worker began (pid 4000)"),
        (35.0, "alert", "HIGH alert EXTERNAL_API_TIMEOUT: timed out"),
        (40.0, "phase_entered", "phase entered: phase=recovery, scale=10"),
        (
            41.0,
            "call_began",
            "call 2 of /work by incarnation 1 of the worker, redelivered; the dependency's mode is answer",
        ),
        (41.25, "call_ended", "call 2 of /work ended: answered, status 200, after 0.250 s"),
        (49.0, "row", "its row says FAILED, MEMORY_API_TIMEOUT, next attempt never, 2 retries"),
        (49.0, "still_queued", "work holds it"),
        (49.0, "dead_letter", "dead holds it"),
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [("nacked", "never confirmed: nacked"), (None, "never confirmed: its publisher ended before it knew")],
)
def test_a_publish_that_nobody_confirmed_says_why(error: str | None, said: str) -> None:
    """Guarantees the broker's word where there is one; such a message has no row to end with."""
    record = one(publishes=(Publish("m", 28.0, 28.2, None, 3_000_000, error),), outcomes=())
    assert texts(record)[1:] == [
        (28.2, "not_confirmed", said),
        (49.0, "row", "the table has no row of it"),
    ]


def test_of_a_message_that_nobody_published_the_row_is_the_whole_story() -> None:
    """Guarantees a story, with nothing around it, for a message that only the worker's table knows."""
    assert texts(one(publishes=())) == [(49.0, "row", "its row says PROCESSED, 0 retries")]


def test_each_copy_of_a_message_is_told_and_no_other_message() -> None:
    """Guarantees both publishes of a message that was published twice, with another one before and between."""
    names = ["n", "m", "n", "m"]
    record = one(publishes=tuple(Publish(name, 28.0 + n, 28.0 + n, 28.5 + n, 1, None) for n, name in enumerate(names)))
    assert [t_s for t_s, kind, _ in texts(record) if kind == "published"] == [29.0, 31.0]


def test_a_message_that_waits_for_its_time_is_neither_queued_nor_put_aside() -> None:
    """Guarantees the third place of a message, by the name of the queue that it lies in."""
    places = {}
    for kind in (QueueKind.WORK, QueueKind.WAITING, QueueKind.ASIDE):
        record = one(outcomes=(), queues=(QueueLeft(f"a {kind}", kind, 1, ("m",)),))
        (message,) = account_of(record).messages
        places[kind] = (message.outcome.value, message.lies_in, texts(record)[-1][1])
    assert places == {
        QueueKind.WORK: ("still queued", "a work", "still_queued"),
        QueueKind.WAITING: ("waiting in a queue", "a waiting", "waiting"),
        QueueKind.ASIDE: ("dead-lettered", "a aside", "dead_letter"),
    }


def test_only_a_call_that_lost_its_client_is_cut_by_an_end() -> None:
    """Guarantees it of a call that was still open as well, and of no call that was answered or that nobody made."""
    ends = {
        "open": replace(CUT, outcome=CallOutcome.OPEN),
        "answered": replace(CUT, outcome=CallOutcome.ANSWERED),
        "by none": replace(CUT, arrived_s=KILL_S + 0.5, duration_s=0.1),
    }
    cut = {name: any("cut by the end" in text for _, _, text in texts(one(call))) for name, call in ends.items()}
    assert cut == {"open": True, "answered": False, "by none": False}


def test_a_row_without_an_error_says_its_status_and_its_retries_alone() -> None:
    """Guarantees that nothing is said of an attempt which nobody plans."""
    assert texts(one())[-1] == (49.0, "row", "its row says PROCESSED, 0 retries")
    failed = Outcome("m", "FAILED", "X", 1, "2026-01-01 18:00:00")
    assert (
        texts(one(outcomes=(failed,)))[-1][2] == "its row says FAILED, X, next attempt 2026-01-01 18:00:00, 1 retries"
    )


def test_a_call_between_two_incarnations_was_made_by_none() -> None:
    """Guarantees both edges of an incarnation, and that a repeat within one is no redelivery."""
    assert RESTART_S - KILL_S > 0.5
    between = replace(CUT, arrived_s=KILL_S + 0.5, duration_s=None, outcome=CallOutcome.OPEN)
    first = replace(CUT, arrived_s=RESTART_S, attempt=2)
    again = replace(CUT, arrived_s=RESTART_S + 1, attempt=3)
    began = [text for _, kind, text in texts(one(between, first, again)) if kind == "call_began"]

    assert "call 1 of /work by no incarnation of the worker;" in began[0]
    assert "call 2 of /work by incarnation 1 of the worker;" in began[1]
    assert "call 3 of /work by incarnation 1 of the worker;" in began[2]
    at_the_end = replace(CUT, arrived_s=KILL_S)
    assert "by incarnation 0 of the worker;" in texts(one(at_the_end))[2][2]


@pytest.mark.parametrize(("ended_s", "cut"), [(30.99, True), (31.0, True), (33.0, True), (33.1, False)])
def test_a_call_is_cut_by_an_end_that_comes_with_it(ended_s: float, cut: bool) -> None:
    """Guarantees a second between a client's end and the worker's, in both directions."""
    first = killed(ended_s=ended_s)
    call = replace(CUT, arrived_s=30.0, duration_s=2.0 if ended_s > 31.5 else 0.99 if ended_s < 31 else 1.0)
    record = one(call, incarnations=(first,))
    assert any("cut by the end" in text for _, _, text in texts(record)) is cut


def test_a_moment_is_told_in_incident_time() -> None:
    """Guarantees the clock of the phases, and a dash where none was entered."""
    record = trial(AFTER)
    assert when(record, 10.0) == "11:01:40"
    assert when(replace(record, phases=()), 10.0) == "—"
