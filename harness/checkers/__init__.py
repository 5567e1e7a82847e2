"""The judges: pure functions from a run's record and its scenario to verdicts.

No sockets, no processes, no clock, no disk. One checker a file. ``judge`` runs those that every arm gets and those that
the arm's ``expect`` names; a checker that crashes says *unknown*. To add one: docs/how-to/add-a-checker.md.
"""

from harness.checkers.judge import judge

__all__ = ["judge"]
