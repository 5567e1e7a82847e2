"""manifest.json: what was run, on what, by what; written before the first trial, and read back first of all.

``FORMAT`` numbers the whole run directory. A directory of another number is refused with the commit that reads it: what
its files meant then can't be told from what they mean now. It judges nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.errors import RunDirectoryError
from harness.record import Manifest, ReportedMetric, ReportedPoint
from harness.store.atomic import write_atomically
from harness.store.tolerant import MALFORMED

if TYPE_CHECKING:
    from pathlib import Path

NAME = "manifest.json"
FORMAT = 2
_READ_BY_OF_FORMAT_1 = "commit 5694831"  # the last to read it; its manifests have no number


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest`` with the format's number. Raises RunDirectoryError."""
    document = {"format": FORMAT, **asdict(manifest)}
    write_atomically(folder / NAME, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the run directory ``folder``.

    Raises:
        RunDirectoryError: it is not a run directory, it has no manifest yet, or one of another format.

    """
    if (folder / "trials").is_dir() and not (folder / NAME).exists():
        raise RunDirectoryError(f"{folder} holds no manifest: the run ended before it recorded anything; play it again")
    try:
        raw = json.loads((folder / NAME).read_bytes())
        found = raw.pop("format", None)
        manifest = _manifest(raw) if found in (FORMAT, None) else None
    except (OSError, *MALFORMED) as error:
        raise RunDirectoryError(f"{folder} is not a run directory ({error}); see runs/") from error
    if manifest is not None and found == FORMAT:
        return manifest
    by = _READ_BY_OF_FORMAT_1 if found is None else "the harness that wrote it"
    raise RunDirectoryError(
        f"{folder} is a run directory of format {found or 1}, and this harness reads format {FORMAT}: read it with"
        f" {by}, or play the scenario again"
    )


def _manifest(raw: dict[str, Any]) -> Manifest:
    lists = {
        "command": tuple(raw["command"]),
        "reported_points": tuple(ReportedPoint(**point) for point in raw["reported_points"]),
        "reported_metrics": tuple(ReportedMetric(**metric) for metric in raw["reported_metrics"]),
    }
    return Manifest(**raw | lists)
