"""What became of the messages, and what was called for them.

One check a file; ``harness.checkers.registry`` finds them.
"""
