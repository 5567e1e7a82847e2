"""Remedies that change only the default of a setting: the memory API's timeout, and the LLM step's switch.

``config_settings`` asks for both defaults; MEMORY_API_TIMEOUT_SECONDS and LLM_ANALYSIS_ENABLED override them. What the
timeout bounds, one socket operation or the whole call, is another remedy, ``total_deadline``. The LLM step itself is in
``llm_analysis_utils``; it runs only when GROQ_API_KEY is set too.
"""

from __future__ import annotations

from worker_under_test.remedies.behaviour import Behaviour, Remedy

MEMORY_API_TIMEOUT = Remedy(
    name="memory_api_timeout",
    original="240 s",
    reported="60 s",
    hardened="60 s",
    asked_for="3.2.1",
)
LLM_SWITCH = Remedy(
    name="llm_switch",
    original="runs when GROQ_API_KEY is set",
    reported="off; each message logs a warning",
    hardened="off; logged once, at start-up",
    asked_for="3.2.2",
)

_TIMEOUTS_S = {Behaviour.ORIGINAL: 240.0, Behaviour.REPORTED: 60.0, Behaviour.HARDENED: 60.0}


def memory_api_timeout_s(behaviour: Behaviour) -> float:
    """Return the timeout of a memory API call when the environment names none, in seconds."""
    return _TIMEOUTS_S[behaviour]


def llm_analysis_enabled(behaviour: Behaviour) -> bool:
    """Return what ``LLM_ANALYSIS_ENABLED`` is when the environment does not say."""
    return behaviour is Behaviour.ORIGINAL


def warns_per_message(behaviour: Behaviour) -> bool:
    """Return whether a disabled LLM client warns at each message; the hardened one does so once, at start-up."""
    return behaviour is not Behaviour.HARDENED
