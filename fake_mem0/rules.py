"""Which mode meets a request: a pure function of the rules, the seed, the message id and the attempt.

``admin`` replaces the rules in force, ``app`` asks which mode meets a request; ``rules_document`` reads rules from
JSON. Rates are cumulative over the rules in their order, so a rate that is raised later keeps every message that met
the rule before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import draws
from fake_mem0.modes import Refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fake_mem0.endpoints import Endpoint
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


def choose(rules: RuleSet, seed: int, message_id: str | None, attempt: int) -> Mode:
    """Return the mode that meets this attempt of this message."""
    drawn = draws.draw(draws.RULE, seed, message_id, attempt)
    below = 0.0
    for rule in rules.rules:
        below += rule.rate
        if drawn < below:
            return rule.mode
    return rules.default


class RulesInForce:
    """The rules in force. A request is met by the rules in force when its body was read; later ones do not reach it."""

    def __init__(self, seed: int, endpoints: Sequence[Endpoint]) -> None:
        self.seed = seed
        self.defaults = {endpoint.path: endpoint.default for endpoint in endpoints}
        self._in_force = {path: RuleSet(path, (), default) for path, default in self.defaults.items()}

    @property
    def rule_sets(self) -> tuple[RuleSet, ...]:
        """The rules of every path."""
        return tuple(self._in_force.values())

    @property
    def shuts_port(self) -> bool:
        """True when the rules of any path have the listening port shut."""
        return any(rule_set.shuts_port for rule_set in self.rule_sets)

    def put(self, rule_set: RuleSet) -> None:
        """Replace the rules of one path."""
        self._in_force[rule_set.path] = rule_set

    def choose(self, path: str, message_id: str | None, attempt: int) -> Mode:
        """Return the mode that meets this attempt."""
        return choose(self._in_force[path], self.seed, message_id, attempt)
