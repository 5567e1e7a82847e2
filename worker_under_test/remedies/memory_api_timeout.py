"""Remedy: the timeout of one memory API call, 240 s or 60 s.

Only the default lives here: ``MEMORY_API_TIMEOUT_SECONDS`` overrides it. What the figure bounds, one socket operation
or the whole call, is another remedy, ``total_deadline``.
"""

from __future__ import annotations

from worker_under_test.remedies.behaviour import Behaviour, Remedy

REMEDY = Remedy(
    name="memory_api_timeout",
    original="240 s",
    report="60 s",
    hardened="60 s",
    asked_for="3.2.1",
)

_DEFAULTS_S = {Behaviour.ORIGINAL: 240.0, Behaviour.REPORT: 60.0, Behaviour.HARDENED: 60.0}


def default_s(behaviour: Behaviour) -> float:
    """Return the timeout that holds when the environment names none, in seconds."""
    return _DEFAULTS_S[behaviour]
