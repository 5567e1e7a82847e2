"""What must not be shown or kept: the password of a URL, and the value of a variable that is a secret by its name.

The one rule: the commands print through it, messages with a URL are made with it, and a scenario is stored with it.
Imports nothing of ours. It can't know a secret that is neither; a worker's own log is the worker's to keep clean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = "***"
# A password may hold an @ itself; the last one before a space or a quotation mark ends it.
_PASSWORD_IN_URL = re.compile(r"(//[^:/@\s]*):[^\s\"']*@")
# The address of a webhook is its own key: whoever knows it may post there.
_SECRET_NAME = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|WEBHOOK_URL)$", re.IGNORECASE)


def masked(text: str) -> str:
    """Return ``text`` with the password of every URL in it, if it has one, as ``***``."""
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", text)


def masked_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return ``env`` without the values of variables whose names say that they are secret, and without passwords."""
    return {name: HIDDEN if value and _SECRET_NAME.search(name) else masked(value) for name, value in env.items()}


def masked_url(url: str) -> str:
    """Return a database URL for people: without its password."""
    return masked(url) if "://" in url else "(not a database URL)"
