"""How much memory the worker used, kept and added. One check a file; ``harness.checkers.registry`` finds them."""
