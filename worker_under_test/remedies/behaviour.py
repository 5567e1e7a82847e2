"""The vocabulary of the remedies: a behaviour, and what a remedy says of itself.

Every remedy's module imports this one; it imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Behaviour(Enum):
    """How the worker behaves in one respect."""

    ORIGINAL = "original"  # as it was at 11:42
    REPORT = "report"  # as the post-mortem specifies it, holes included
    HARDENED = "hardened"  # as it should be


@dataclass(frozen=True, slots=True)
class Remedy:
    """What one remedy says of itself: a row of ``python -m worker_under_test remedies``.

    ``original``, ``report`` and ``hardened`` are what the three presets do, in a few words; ``asked_for`` says where
    the report asks for it.
    """

    name: str
    original: str
    report: str
    hardened: str
    asked_for: str
