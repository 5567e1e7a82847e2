"""Breaks the worker before it starts: the interpreter imports this file where its folder is on PYTHONPATH.

``WORKER_MUTANT`` names the mutation. It is applied to the modules of ``worker_under_test`` in memory; the tree stays as
it is, and the command line of the worker too.
"""

import importlib.util
import os
from pathlib import Path

_MUTATIONS = Path(__file__).resolve().parents[1] / "mutations"


def apply_mutation(name: str) -> None:
    """Load the mutation's file and apply it."""
    spec = importlib.util.spec_from_file_location(f"mutation_{name}", _MUTATIONS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no mutation {name!r} in {_MUTATIONS}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.mutate()


if "WORKER_MUTANT" in os.environ:
    apply_mutation(os.environ["WORKER_MUTANT"])
