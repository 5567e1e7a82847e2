"""Which rule meets a request: the same for ever for the same request, and at the asked rates over many."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_mem0 import draws
from fake_mem0.modes import Mode, name_of
from fake_mem0.modes.answering import Answer, Status
from fake_mem0.modes.breaking import ResetBefore
from fake_mem0.modes.hanging import HangForever
from fake_mem0.rules import Rule, RuleSet, choose

IDS = [f"conversation-{number}" for number in range(20_000)]


def rule_set(*rules: tuple[Mode, float], default: Mode | None = None) -> RuleSet:
    """Return rules of the main path."""
    return RuleSet("/extract_facts", tuple(Rule(mode, rate) for mode, rate in rules), default or Answer())


@given(
    seed=st.integers(-(2**63), 2**63),
    conversation_id=st.one_of(st.none(), st.text()),
    attempt=st.integers(1, 10**6),
)
def test_a_draw_is_in_the_unit_interval_and_never_changes(seed: int, conversation_id: str | None, attempt: int) -> None:
    """Every id draws, lone surrogates included, and draws the same again."""
    first = draws.draw(draws.RULE, seed, conversation_id, attempt)
    assert 0.0 <= first < 1.0
    assert draws.draw(draws.RULE, seed, conversation_id, attempt) == first


def test_draws_are_the_same_in_every_version() -> None:
    """A seed of a stored run replays that run: these figures are not to change."""
    assert draws.draw(draws.RULE, 1142, "c-1", 1) == pytest.approx(RULE_DRAW, abs=1e-15)
    assert draws.draw(draws.LATENCY, 1142, "c-1", 1) == pytest.approx(LATENCY_DRAW, abs=1e-15)


def test_seed_conversation_attempt_and_purpose_each_change_the_draw() -> None:
    """No two of the four are confused, and who meets a slow rule does not thereby get a slow latency."""
    drawn = {
        draws.draw(purpose, seed, conversation_id, attempt)
        for purpose in (draws.RULE, draws.LATENCY)
        for seed in (1, 11)
        for conversation_id in ("1:1", "1", None)
        for attempt in (1, 11)
    }
    assert len(drawn) == 2 * 2 * 3 * 2


def test_rates_come_out_over_many_conversations() -> None:
    """Of 20 000 conversations each rule meets its share, within four standard deviations (at most 1.4 %)."""
    rules = rule_set((HangForever(), 0.3), (Status(), 0.15), (ResetBefore(), 0.05))
    met = Counter(name_of(choose(rules, 7, each, 1)) for each in IDS)
    for name, rate in {"hang_forever": 0.3, "status": 0.15, "reset_before": 0.05, "answer": 0.5}.items():
        tolerance = 4 * (rate * (1 - rate) / len(IDS)) ** 0.5
        assert met[name] / len(IDS) == pytest.approx(rate, abs=tolerance), name


def test_a_retry_draws_a_fate_of_its_own() -> None:
    """Of the conversations whose first attempt met the rule, the second meets it at the rule's rate again."""
    rules = rule_set((Status(), 0.3))
    failed = [each for each in IDS if choose(rules, 7, each, 1) == Status()]
    failed_again = [each for each in failed if choose(rules, 7, each, 2) == Status()]
    assert len(failed_again) / len(failed) == pytest.approx(0.3, abs=0.03)


def test_another_seed_picks_other_conversations() -> None:
    """The seed decides who is hit."""
    rules = rule_set((Status(), 0.3))
    hit = {seed: {each for each in IDS if choose(rules, seed, each, 1) == Status()} for seed in (1, 2)}
    overlap = len(hit[1] & hit[2]) / len(hit[1])
    assert overlap == pytest.approx(0.3, abs=0.03)


def test_a_raised_rate_keeps_every_conversation_that_was_hit_before() -> None:
    """A fault that grows from 10 to 30 per cent adds to those it hits; it does not swap them."""
    few, many = rule_set((Status(), 0.1)), rule_set((Status(), 0.3))
    assert all(choose(many, 7, each, 1) == Status() for each in IDS if choose(few, 7, each, 1) == Status())


def test_the_ends_of_the_scale_are_never_and_always() -> None:
    """A rate of 0 meets nobody, a rate of 1 everybody, ten rates of 0.1 everybody but for rounding."""
    assert all(choose(rule_set((Status(), 0.0)), 7, each, 1) == Answer() for each in IDS[:1000])
    assert all(choose(rule_set((Status(), 1.0)), 7, each, 1) == Status() for each in IDS[:1000])
    tenths = rule_set(*[(Status(), 0.1)] * 10)
    assert all(choose(tenths, 7, each, 1) == Status() for each in IDS[:1000])


# Figures of the definition itself: blake2b, 8 bytes, personalised, of "1142:1:c-1", its upper 53 bits.
RULE_DRAW = 0.3048487571565369
LATENCY_DRAW = 0.7761458656251218
