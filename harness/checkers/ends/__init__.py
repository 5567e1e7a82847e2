"""How the worker's incarnations ended. One check a file; ``harness.checkers.registry`` finds them."""
