"""pika-mem0 follows other rules for a while, within a phase; then those that were in force before.

A phase's own ``mem0`` is ``mem0_rules``'.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.faults.mem0_rules import put_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import Mem0Misbehaves


@contextmanager
def mem0_misbehaves(fault: Mem0Misbehaves, context: FaultContext) -> Iterator[str]:
    """Put the rules in force; healed, the former ones are, and what still hangs is let go."""
    before = context.mem0.rules()
    rules = fault.as_rules()
    put_rules(context.mem0, rules.rules_on_the_wire(context.time_scale), rules.default.as_wire(context.time_scale))
    try:
        yield f"fake_mem0 reports {rules.summary}"
    finally:
        put_rules(context.mem0, before["rules"], before["default"])
        context.mem0.release()
