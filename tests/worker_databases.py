"""Empty databases for tests of the worker's own modules: on SQLite, and on a PostgreSQL that a module starts.

Tests that start whole workers use ``tests/worker_bench.py``, which has the same two.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.environment.database.databases import POSTGRES, SQLITE, Databases, databases
from harness.environment.run.run_scope import RunScope

KINDS = (SQLITE, POSTGRES)


@contextlib.contextmanager
def database_servers(folder: Path, run_id: str) -> Iterator[Mapping[str, Databases]]:
    """Yield where databases are made, by kind."""
    with RunScope(run_id, folder / "state") as scope, contextlib.ExitStack() as stack:
        yield {kind: stack.enter_context(databases(kind, scope, folder / "logs")) for kind in KINDS}
