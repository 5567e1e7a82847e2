"""pika-mem0 misbehaves: puts a phase's rules in force in fake_mem0, and proves by reading them back that they are.

Used by ``timeline`` and ``mem0_misbehaves``. When a phase heals pika-mem0, what still hangs there is let go, as a
restarted service lets go of its connections. Whether a fault then met a call is the checkers' to judge.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.environment.dependency import Mem0
    from harness.scenario import Mem0Rules
    from harness.store import TrialFolder


def apply_rules(mem0: Mem0, rules: Mem0Rules, time_scale: float, folder: TrialFolder) -> None:
    """Put ``rules`` in force. Raises NotEnforceableError when fake_mem0 does not report them as asked."""
    folder.event("fault_requested", fault="mem0_rules", rules=rules.summary)
    put_rules(mem0, rules.rules_on_the_wire(time_scale), rules.default.as_wire(time_scale))
    released = mem0.release() if not rules.faulty_modes else 0
    folder.event("fault_in_force", fault="mem0_rules", rules=rules.summary, released=released)


def put_rules(mem0: Mem0, rules: Sequence[Mapping[str, Any]], default: Mapping[str, Any]) -> None:
    """Put rules in force as the admin API takes them.

    Raises NotEnforceableError when fake_mem0 does not report them as asked.
    """
    mem0.put_rules(rules=rules, default=default)
    reported = mem0.rules()
    in_force = [*reported["rules"], reported["default"]]
    for wanted, found in zip_longest([*rules, default], in_force):
        if wanted is None or found is None or not _holds(wanted, found):
            raise NotEnforceableError(f"fake_mem0 was asked for {wanted or 'nothing more'} and reports {found}")


def _holds(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Say whether each setting that was asked for is in force; fake_mem0 reports its own defaults beside them."""
    return all(name in found and found[name] == value for name, value in wanted.items())
