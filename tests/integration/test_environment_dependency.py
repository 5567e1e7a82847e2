"""The dependency as a part: started, steered through its admin API, and ended."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.environment.dependency import Dependency, running_dependency
from harness.environment.run.census import census
from harness.environment.run.run_scope import RunScope
from harness.errors import PartFailedError
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

LIMIT_S = 20.0
CALL = {"conversation_id": "c-1", "user_id": "u-1", "formatted_conversation": "user: hi", "payload": {}}


@pytest.fixture
def mem0(tmp_path: Path) -> Iterator[Dependency]:
    """A fake of this test alone; its end is checked when it is left."""
    with RunScope("mem0-test", tmp_path / "state") as scope:
        with running_dependency(scope, tmp_path / "logs", seed=1, journal=tmp_path / "calls.jsonl") as running:
            yield running
        assert not census(scope.run_id, scope.root).processes


def test_it_answers_and_keeps_a_journal(mem0: Dependency, tmp_path: Path) -> None:
    """A call through its URL is answered, counted and written down."""
    mem0.put_rules([], {"mode": "answer", "latency": {"seconds": 0.0}})
    assert call(mem0).status_code == 200
    assert mem0.stats()["requests"] == 1
    line = json.loads((tmp_path / "calls.jsonl").read_text().splitlines()[-1])
    assert (line["message_id"], line["status"], line["mode"]) == ("c-1", 200, "answer")


def test_rules_are_put_and_read_back(mem0: Dependency) -> None:
    """That a fault took effect is proved by what the fake reports, and by what it does."""
    mem0.put_rules([{"mode": "hang_then_500", "rate": 1.0, "seconds": 0.05}], {"mode": "answer"})
    assert [rule["mode"] for rule in mem0.rules()["rules"]] == ["hang_then_500"]
    assert call(mem0).status_code == 500


def test_rules_that_are_none_are_refused(mem0: Dependency) -> None:
    """The fake's own words stand in the error."""
    with pytest.raises(PartFailedError, match=r"PUT /modes: HTTP 4\d\d: .*lightning"):
        mem0.put_rules([{"mode": "lightning", "rate": 1.0}])


@pytest.mark.parametrize(("how", "ended"), [("reset", "ReadError"), ("answer", "200")])
def test_what_hangs_ends_as_it_is_told(mem0: Dependency, how: str, ended: str) -> None:
    """Hung requests end by a reset or with a good answer, and are counted."""
    mem0.put_rules([{"mode": "hang_then_500", "rate": 1.0, "seconds": 600.0}], {"mode": "answer"})
    answers: list[str] = []

    def calling() -> None:
        try:
            answers.append(str(call(mem0).status_code))
        except httpx.HTTPError as error:
            answers.append(type(error).__name__)

    caller = threading.Thread(target=calling)
    caller.start()
    wait_for("the request to hang", lambda: mem0.stats()["hung"] == 1, timeout_s=LIMIT_S)
    assert mem0.release(how) == 1
    caller.join(LIMIT_S)
    assert answers == [ended]


def test_its_death_is_told(mem0: Dependency) -> None:
    """A verb on a fake that was killed says so, and shows its log."""
    os.kill(mem0.pid, signal.SIGKILL)
    with pytest.raises(PartFailedError, match="the dependency ended with status 137"):
        wait_for("the fake to be gone", lambda: mem0.stats() is None, timeout_s=LIMIT_S)


def test_one_that_does_not_come_up_is_told(tmp_path: Path) -> None:
    """Its own message stands in the error: here, a journal that can't be written."""
    journal = tmp_path / "folder"
    journal.mkdir()
    refusal = pytest.raises(PartFailedError, match="the dependency ended with status")
    with (
        RunScope("mem0-broken", tmp_path / "state") as scope,
        refusal,
        running_dependency(scope, tmp_path / "logs", seed=1, journal=journal),
    ):
        pass


def call(mem0: Dependency) -> httpx.Response:
    """Call ``POST /extract_facts`` as the worker does."""
    return httpx.post(f"{mem0.url}/extract_facts", json=CALL, timeout=LIMIT_S, trust_env=False)
