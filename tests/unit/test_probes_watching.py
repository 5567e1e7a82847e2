"""The thread of a probe: it looks until it is left, catches nothing up, and what it dies of is heard."""

import threading
import time

import pytest

from harness.errors import RunDirectoryError
from harness.probes.watching import watching
from harness.waiting import wait_for

TIMEOUT_S = 10.0


class Look:
    """Counts looks, and the threads they are made in; may fail at one of them."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.count = 0
        self.threads: set[str] = set()
        self.fails_at = fails_at

    def __call__(self) -> None:
        """Look once."""
        self.count += 1
        self.threads.add(threading.current_thread().name)
        if self.count == self.fails_at:
            raise RunDirectoryError("No space left on device")

    def wait_until(self, count: int) -> None:
        """Wait for so many looks."""
        wait_for(f"look {count}", lambda: self.count >= count, timeout_s=TIMEOUT_S, interval_s=0.001)


def test_it_looks_in_a_thread_of_its_own_until_it_is_left() -> None:
    """Guarantees many looks inside, none after, and the last word at the end, once."""
    look, ends = Look(), [0]

    def at_end() -> None:
        ends[0] += 1
        look.threads.add(threading.current_thread().name)

    with watching("a-probe", look, interval_s=0.001, at_end=at_end):
        look.wait_until(5)
        assert ends == [0]
    seen = look.count

    assert look.threads == {"a-probe"}
    assert ends == [1]
    assert not any(thread.name == "a-probe" for thread in threading.enumerate())
    assert look.count == seen


def test_leaving_does_not_wait_for_the_interval() -> None:
    """Guarantees that a slow probe does not hold the trial up."""
    look = Look()
    with watching("a-probe", look, interval_s=600.0):
        look.wait_until(1)
        left_s = time.monotonic()

    assert time.monotonic() - left_s < 5.0
    assert look.count == 1


class FakeClock:
    """A clock that jumps to each deadline; after the fourth it waits until the probe is told to stop."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses = 0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now_s

    def pause_until(self, deadline_s: float, wake: threading.Event) -> None:
        """Let the time pass."""
        self.now_s = max(self.now_s, deadline_s)
        self.pauses += 1
        if self.pauses >= 4:
            wake.wait(TIMEOUT_S)


def test_looks_that_were_missed_are_not_caught_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a stall is a gap in the series, not a burst of samples after it."""
    clock = FakeClock()
    monkeypatch.setattr("harness.probes.watching.time", clock)
    monkeypatch.setattr("harness.probes.watching.pause_until", clock.pause_until)
    looks_s: list[float] = []

    def look() -> None:
        looks_s.append(clock.now_s)
        if len(looks_s) == 2:
            clock.now_s += 5.0

    with watching("a-probe", look, interval_s=1.0):
        wait_for("the fourth look", lambda: clock.pauses >= 4, timeout_s=TIMEOUT_S)

    assert looks_s == [0.0, 1.0, 6.0, 7.0]


def test_what_a_look_dies_of_is_raised_on_leaving_and_the_end_is_not_told() -> None:
    """Guarantees that a series which stopped in the middle is never taken for a whole one."""
    look, ends = Look(fails_at=2), [0]

    def at_end() -> None:
        ends[0] += 1

    def run() -> None:
        with watching("a-probe", look, interval_s=0.001, at_end=at_end):
            look.wait_until(2)

    with pytest.raises(RunDirectoryError, match="No space left"):
        run()
    assert look.count == 2
    assert ends == [0]


def test_what_the_end_dies_of_is_raised_too() -> None:
    """Guarantees that the last word is not lost in silence."""

    def at_end() -> None:
        raise RunDirectoryError("No space left on device")

    def run() -> None:
        with watching("a-probe", Look(), interval_s=0.001, at_end=at_end):
            pass

    with pytest.raises(RunDirectoryError, match="No space left"):
        run()


def test_the_blocks_own_failure_is_not_hidden_by_the_probes() -> None:
    """Guarantees that a trial which broke says why, not that a probe broke with it."""
    look = Look(fails_at=1)

    def run() -> None:
        with watching("a-probe", look, interval_s=0.001):
            look.wait_until(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
