"""The journal, the attempts and the answers: what is written is what the contract names, at once and bounded."""

import json
from pathlib import Path

import pytest

from fake_mem0.calls import Attempts
from fake_mem0.endpoints import Endpoint, parse_all
from fake_mem0.journal import JournalLine, Outcome, open_journal

LINE = JournalLine(
    12.5, "/extract_facts", "c-é", 2, "answer", 200, 0.25, 3_000_000, Outcome.ANSWERED, good=True, primary=True
)
FACTS, COMPLETIONS = parse_all(())


def test_a_line_has_the_contracts_keys_and_is_on_disk_at_once(tmp_path: Path) -> None:
    """Each line is flushed as it is written: whoever reads beside the writer, or after a SIGKILL, finds it whole."""
    path = tmp_path / "calls.jsonl"
    with open_journal(path) as journal:
        journal.write(LINE)
        assert json.loads(path.read_text(encoding="utf-8")) == {
            "arrived_mono_s": 12.5,
            "path": "/extract_facts",
            "message_id": "c-é",
            "attempt": 2,
            "mode": "answer",
            "status": 200,
            "duration_s": 0.25,
            "bytes_in": 3_000_000,
            "outcome": "answered",
            "good": True,
            "primary": True,
        }


def test_a_journal_is_appended_to(tmp_path: Path) -> None:
    """A fake that is started again on the same file adds to what was there."""
    path = tmp_path / "calls.jsonl"
    for _ in range(2):
        with open_journal(path) as journal:
            journal.write(LINE)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    """The journal is optional for a fake run by hand."""
    with open_journal(None) as journal:
        journal.write(LINE)
    assert not list(tmp_path.iterdir())


def test_attempts_count_from_1_for_each_message_and_path() -> None:
    """A message's calls of the language model do not count as attempts at its facts."""
    attempts = Attempts()
    seen = [
        attempts.next(path, each) for path in (FACTS.path, COMPLETIONS.path) for each in ("a", "a", "b", None, None)
    ]
    assert seen == [1, 2, 1, 1, 2] * 2


def test_attempts_forget_the_longest_known_past_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is bounded; only a message that was long gone starts again at 1."""
    monkeypatch.setattr("fake_mem0.calls._MESSAGES_MAX", 2)
    attempts = Attempts()
    for each in ("a", "b", "c"):
        attempts.next("/extract_facts", each)
    assert len(attempts._seen) == 2
    assert attempts.next("/extract_facts", "c") == 2
    assert attempts.next("/extract_facts", "a") == 1


def test_an_answer_has_the_contracts_shape() -> None:
    """Facts with a text and a score; an OpenAI-style completion on the other path."""
    facts = json.loads(FACTS.answer_body("c-1"))
    assert facts["conversation_id"] == "c-1"
    assert all(isinstance(fact["fact"], str) and isinstance(fact["score"], float) for fact in facts["facts"])
    completion = json.loads(COMPLETIONS.answer_body("c-1"))
    assert isinstance(completion["choices"][0]["message"]["content"], str)


@pytest.mark.parametrize("endpoint", [FACTS, COMPLETIONS])
def test_an_answer_is_longer_than_what_the_modes_may_cut_off(endpoint: Endpoint) -> None:
    """``reset_mid_body`` and ``truncated_json`` accept up to 200 bytes, and even then never send a whole answer."""
    assert len(endpoint.answer_body(None)) > 200


@pytest.mark.parametrize("endpoint", [FACTS, COMPLETIONS])
def test_any_text_fits_into_the_frame_of_an_answer(endpoint: Endpoint) -> None:
    """Head, text and tail together are valid, also when the id itself imitates the frame's mark."""
    head, tail = endpoint.answer_frame("<<the place of the long text>>")
    assert b"x" * 1000 in json.dumps(json.loads(head + b"x" * 1000 + tail)).encode()
