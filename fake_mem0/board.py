"""The rules in force, one set for each path. ``admin`` replaces them, ``app`` asks which mode meets a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_mem0 import rules as rules_
from fake_mem0.rules_document import DEFAULTS

if TYPE_CHECKING:
    from fake_mem0.modes import Mode


class Board:
    """The rules in force. A request is met by the rules in force when its body was read; later ones do not reach it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._in_force = {path: rules_.RuleSet(path, (), default) for path, default in DEFAULTS.items()}

    @property
    def rule_sets(self) -> tuple[rules_.RuleSet, ...]:
        """The rules of every path."""
        return tuple(self._in_force.values())

    @property
    def shuts_port(self) -> bool:
        """True when the rules of any path have the listening port shut."""
        return any(rule_set.shuts_port for rule_set in self.rule_sets)

    def put(self, rule_set: rules_.RuleSet) -> None:
        """Replace the rules of one path."""
        self._in_force[rule_set.path] = rule_set

    def choose(self, path: str, conversation_id: str | None, attempt: int) -> Mode:
        """Return the mode that meets this attempt."""
        return rules_.choose(self._in_force[path], self.seed, conversation_id, attempt)
