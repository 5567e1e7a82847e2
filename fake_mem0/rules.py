"""Which mode meets a request: a pure function of the rules, the seed, the conversation id and the attempt.

Used by ``board``, which keeps the rules in force; ``rules_document`` reads them from JSON. Rates are cumulative over
the rules in their order, so a rate that is raised later keeps every conversation that met the rule before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import draws
from fake_mem0.modes import Refuse

if TYPE_CHECKING:
    from fake_mem0.modes import Mode


@dataclass(frozen=True, slots=True)
class Rule:
    """A share of the requests and the mode that it meets."""

    mode: Mode
    rate: float  # 0 to 1, of all requests of the path


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one path. Rates sum to at most 1; what they leave meets ``default``."""

    path: str
    rules: tuple[Rule, ...]
    default: Mode

    @property
    def shuts_port(self) -> bool:
        """True when these rules have the listening port shut, for every path."""
        return any(isinstance(mode, Refuse) for mode in (self.default, *(rule.mode for rule in self.rules)))


def choose(rules: RuleSet, seed: int, conversation_id: str | None, attempt: int) -> Mode:
    """Return the mode that meets this attempt of this conversation."""
    drawn = draws.draw(draws.RULE, seed, conversation_id, attempt)
    below = 0.0
    for rule in rules.rules:
        below += rule.rate
        if drawn < below:
            return rule.mode
    return rules.default
