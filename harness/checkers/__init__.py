"""The checks: pure functions from a trial's record and thresholds to a verdict, each with its thresholds and traits.

No sockets, no processes, no clock, no disk, no scenario. A check is one file in a room; ``registry`` finds it, and
``harness.judging`` runs it. To add one: docs/how-to/add-a-checker.md.
"""
