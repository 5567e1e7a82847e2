"""Waiting: a named condition, a limit, and what was seen last."""

import itertools
import threading
import time

import pytest

from harness.errors import PartFailedError, WaitTimeoutError
from harness.waiting import NotYetError, pause_until, wait_for


def test_returns_what_the_probe_saw() -> None:
    """The value that ended the wait is handed on, so that nobody has to look twice."""
    looks = iter([None, 0, "", "up"])
    assert wait_for("it", lambda: next(looks), timeout_s=5.0, interval_s=0.001) == "up"


def test_a_time_out_names_the_condition_the_limit_and_the_last_thing_seen() -> None:
    """Whoever reads the error knows what to look at."""
    looks = itertools.count()

    def refused() -> bool:
        raise NotYetError(f"connection refused {next(looks)}")

    with pytest.raises(WaitTimeoutError) as caught:
        wait_for("the broker to answer", refused, timeout_s=0.03, interval_s=0.01)
    assert "0.03 s for the broker to answer" in str(caught.value)
    assert f"connection refused {next(looks) - 1}" in str(caught.value)


def test_a_false_value_is_the_last_thing_seen_too() -> None:
    """A probe that returns what it saw, such as an empty list, needs no exception of its own."""
    with pytest.raises(WaitTimeoutError, match=r"last seen: \[\]"):
        wait_for("consumers", list, timeout_s=0.0)


def test_a_limit_of_nothing_still_looks_once() -> None:
    """A condition that holds is found, however late it is looked for."""
    assert wait_for("it", lambda: "up", timeout_s=0.0) == "up"


def test_what_has_died_is_not_waited_for() -> None:
    """The wait ends with what became of the thing, long before the limit."""
    with pytest.raises(PartFailedError, match=r"gave up waiting for the node.*ended with status 1") as caught:
        wait_for("the node", lambda: None, timeout_s=60.0, alive=lambda: "ended with status 1")
    assert not isinstance(caught.value, WaitTimeoutError)


def test_an_error_of_the_probe_goes_through() -> None:
    """A broken probe is not mistaken for a condition that is not true yet."""
    with pytest.raises(ZeroDivisionError):
        wait_for("it", lambda: 1 // 0, timeout_s=5.0)


def test_a_long_answer_is_cut_in_the_message() -> None:
    """An error message stays readable when the probe returned a whole page."""
    page = "x" * 10_000

    def look() -> bool:
        raise NotYetError(page)

    with pytest.raises(WaitTimeoutError) as caught:
        wait_for("it", look, timeout_s=0.0)
    assert len(str(caught.value)) < 1000


def test_a_pause_lasts_until_its_deadline() -> None:
    """A scheduler resumes at the time it asked for, not before."""
    deadline_s = time.monotonic() + 0.05
    assert pause_until(deadline_s) is False
    assert time.monotonic() >= deadline_s


def test_a_pause_ends_when_it_is_woken() -> None:
    """An interruption is not held up by the schedule."""
    wake = threading.Event()
    wake.set()
    assert pause_until(time.monotonic() + 3600.0, wake) is True


@pytest.mark.parametrize("wake", [None, threading.Event()])
def test_a_deadline_in_the_past_is_no_pause(wake: threading.Event | None) -> None:
    """A late scheduler goes on at once."""
    began_s = time.monotonic()
    assert pause_until(began_s - 10.0, wake) is False
    assert time.monotonic() - began_s < 1.0
