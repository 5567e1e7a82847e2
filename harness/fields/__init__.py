"""The fields of a scenario file: quantities with their units, and the strict model that they stand in.

Used by ``harness.scenario``, ``harness.faults`` and ``harness.checkers``, each for its own settings. It knows no field
by name.
"""
