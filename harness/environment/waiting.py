"""Hands on ``harness.waiting``, for modules that still import it from here. It has nothing of its own."""

from harness.waiting import NotYetError, pause_until, wait_for

__all__ = ["NotYetError", "pause_until", "wait_for"]
