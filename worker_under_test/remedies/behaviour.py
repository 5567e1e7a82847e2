"""The vocabulary of the remedies: a behaviour, the preset and the role that stand for it, and a remedy's description.

Every remedy's module imports this one; it imports nothing of ours. ``PRESETS`` is the one table of the three
vocabularies: behaviour in the code, preset on the command line, role in a scenario's arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Behaviour(Enum):
    """How the worker behaves in one respect."""

    ORIGINAL = "original"  # as it was at 11:42
    REPORTED = "reported"  # as the post-mortem specifies it, holes included
    HARDENED = "hardened"  # as it should be


@dataclass(frozen=True, slots=True)
class Preset:
    """A name for a worker all of whose remedies have the same behaviour.

    ``role`` is what such a worker is in a before/after comparison.
    """

    name: str
    behaviour: Behaviour
    role: str


PRESETS = (
    Preset("incident", Behaviour.ORIGINAL, role="before"),
    Preset("postmortem", Behaviour.REPORTED, role="reported"),
    Preset("fixed", Behaviour.HARDENED, role="after"),
)
INCIDENT, POSTMORTEM, FIXED = PRESETS


@dataclass(frozen=True, slots=True)
class Remedy:
    """The description of one remedy: a row of ``python -m worker_under_test remedies``.

    ``original``, ``reported`` and ``hardened`` say in a few words what each behaviour does; ``asked_for`` says where
    the report asks for it.
    """

    name: str
    original: str
    reported: str
    hardened: str
    asked_for: str

    def does(self, behaviour: Behaviour) -> str:
        """Return what ``behaviour`` does, in a few words."""
        return {
            Behaviour.ORIGINAL: self.original,
            Behaviour.REPORTED: self.reported,
            Behaviour.HARDENED: self.hardened,
        }[behaviour]
