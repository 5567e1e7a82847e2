"""Makes the Jinja2 environment of every page: everything escaped, links that stay inside the run directory.

Used by the other modules of ``reports.pages``. Reads the templates of this package and nothing else.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def environment() -> Environment:
    """Return the environment: everything escaped, an unknown name an error, control characters made visible."""
    made = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    made.filters["local_href"] = local_href
    return made


def local_href(path: str) -> str | None:
    """Return a path inside the run directory as a link's target; None for anything that leads out of it."""
    parts = urlsplit(path)
    pure = PurePosixPath(path)
    leads_out = pure.is_absolute() or ".." in pure.parts or "\\" in path
    return None if parts.scheme or parts.netloc or leads_out or not path else quote(path)


def _visible(value: object) -> object:
    """Return text with its control characters replaced: a log line may hold any byte, a page may not."""
    return _NO_TEXT.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value
