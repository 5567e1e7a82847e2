"""Judging a run: every check that its scenario asks for, the tables and the metrics, merged into one verdict.

Above ``harness.checkers``, whose checks know no scenario: here a run and its scenario come together. Used by the
commands, the gate and the pytest plugin. Pure.
"""

from harness.judging.judge import judge

__all__ = ["judge"]
