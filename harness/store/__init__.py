"""Run directories: written append-only while a trial runs, read back as frozen values afterwards.

``writing`` is used by campaign and trial; ``reading`` by the commands that judge and report. Neither judges. What lies
where in a run directory is docs/reference/contracts.md's to say.
"""

from harness.store.atomic import write_atomically
from harness.store.reading import read_run
from harness.store.writing import RunFolder, TrialFolder, create_run

__all__ = ["RunFolder", "TrialFolder", "create_run", "read_run", "write_atomically"]
