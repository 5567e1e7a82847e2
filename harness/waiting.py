"""Waiting for a named condition, with a limit; the only module of the harness that sleeps.

Everybody who waits uses it. It does not decide what a time-out means: it raises, and says what was awaited, for how
long, and the last thing seen.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from harness.errors import PartFailedError, WaitTimeoutError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

Seen = TypeVar("Seen")

# Short enough not to be seen in a start that takes seconds, long enough to cost nothing on two cores.
DEFAULT_INTERVAL_S = 0.05
# A probe may return a whole API answer; an error message shows its beginning.
_LAST_SEEN_CHARS_MAX = 400


class NotYetError(Exception):
    """Raised by a probe to say in a sentence why its condition is not true yet; ``wait_for`` shows the last one."""


def wait_for(
    condition: str,
    probe: Callable[[], Seen | None],
    *,
    timeout_s: float,
    interval_s: float = DEFAULT_INTERVAL_S,
    alive: Callable[[], str | None] | None = None,
) -> Seen:
    """Poll ``probe`` until it returns something true, and return that.

    Args:
        condition: What is awaited, as it reads after "waiting for": "the management API to answer".
        probe: Returns a true value when the condition holds; a false one, or NotYetError with a reason, while it does
            not. Any other exception goes through.
        timeout_s: The limit. The probe is called once more at the limit, so that a slow machine does not lose a
            condition that holds.
        interval_s: Time between two calls.
        alive: Returns None while the thing waited for can still come, else what became of it; then waiting ends at
            once.

    Raises:
        WaitTimeoutError: The limit passed. The message names the condition, the limit and the last thing seen.
        PartFailedError: ``alive`` said that the condition can't come true any more.

    """
    started_mono_s = time.monotonic()
    deadline_mono_s = started_mono_s + timeout_s
    while True:
        is_last_call = time.monotonic() >= deadline_mono_s
        try:
            seen = probe()
            last_seen = repr(seen)
        except NotYetError as reason:
            seen = None
            last_seen = str(reason)
        if seen:
            return seen
        death = alive() if alive is not None else None
        if death is not None:
            waited_s = time.monotonic() - started_mono_s
            raise PartFailedError(f"gave up waiting for {condition} after {waited_s:.1f} s: {death}")
        if is_last_call:
            shown = last_seen[:_LAST_SEEN_CHARS_MAX]
            raise WaitTimeoutError(f"waited {timeout_s:g} s for {condition}, in vain; last seen: {shown}")
        time.sleep(max(0.0, min(interval_s, deadline_mono_s - time.monotonic())))


def pause_until(deadline_mono_s: float, wake: threading.Event | None = None) -> bool:
    """Wait until the monotonic clock shows ``deadline_mono_s``, or until ``wake`` is set.

    Returns True when woken, False when the time came. A deadline in the past returns at once. For schedulers, which
    have nothing to poll.
    """
    remaining_s = deadline_mono_s - time.monotonic()
    if wake is not None:
        return wake.wait(max(0.0, remaining_s))
    if remaining_s > 0:
        time.sleep(remaining_s)
    return False
