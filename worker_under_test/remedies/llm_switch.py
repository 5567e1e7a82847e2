"""Remedy: the LLM step, on or off.

Only the default of ``LLM_ANALYSIS_ENABLED`` lives here. The step itself is ``llm_analysis_utils``; it runs only when
``GROQ_API_KEY`` is set too.
"""

from __future__ import annotations

from worker_under_test.remedies.behaviour import Behaviour, Remedy

REMEDY = Remedy(
    name="llm_switch",
    original="runs when GROQ_API_KEY is set",
    report="off; each message logs a warning",
    hardened="off; said once, at start-up",
    asked_for="3.2.2",
)


def default_enabled(behaviour: Behaviour) -> bool:
    """Return what ``LLM_ANALYSIS_ENABLED`` is when the environment does not say."""
    return behaviour is Behaviour.ORIGINAL


def warns_per_message(behaviour: Behaviour) -> bool:
    """Return whether a disabled client warns at each message; hardened, it does so once: the rest is noise."""
    return behaviour is not Behaviour.HARDENED
