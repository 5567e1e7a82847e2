"""The admin API as the command line calls it: every call has a time-out, and no proxy stands between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from fake_mem0.errors import AdminUnreachableError, BadSettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 10.0  # the admin port answers in milliseconds, also beside a thousand hung requests
_BAD_REQUEST = 400


def call(admin: str, method: str, path: str, document: Mapping[str, object] | None = None) -> Any:
    """Call ``path`` of the admin API at the URL ``admin``; return its JSON.

    Raises BadSettingError with the server's sentence on a 400, AdminUnreachableError when there is no answer or any
    other error.
    """
    try:
        with httpx.Client(base_url=admin, timeout=_TIMEOUT_S, trust_env=False) as client:
            response = client.request(method, path, json=document)
            if response.status_code == _BAD_REQUEST:
                raise BadSettingError(response.json()["error"])
            return response.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise AdminUnreachableError(
            f"no admin API at {admin} ({error}); start one (python -m fake_mem0 serve) or give its address with --admin"
        ) from error
