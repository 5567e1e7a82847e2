"""How far and how fast the worker got, and whether it got going again.

One check a file; ``harness.checkers.registry`` finds them.
"""
