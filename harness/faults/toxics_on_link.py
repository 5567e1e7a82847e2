"""A toxic on the worker's link, in one direction or both, for as long as the context lasts.

Used by the faults that are one toxic each. The proxy is asked back both times: whether the toxic is there, and whether
it is gone.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from harness.environment.proxy.toxics import STREAMS
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environment.proxy.proxy import Link
    from harness.scenario.faults import Stream


@contextmanager
def toxic_on(link: Link, type_: str, stream: Stream, attributes: Mapping[str, int]) -> Iterator[str]:
    """Put a toxic on ``link``; yield what the proxy reports. Raises NotEnforceableError where it reports otherwise."""
    with ExitStack() as stack:
        for direction in STREAMS if stream == "both" else (stream,):
            name = _free_name(link, f"{type_}-{direction}")
            link.add_toxic(name, type_, direction, attributes=attributes)
            stack.callback(_remove, link, name)
        settings = " ".join(f"{key}={value}" for key, value in attributes.items())
        yield f"the proxy reports {type_} {settings} on {stream} of {link.name}"


def _free_name(link: Link, wanted: str) -> str:
    """Return a name that no toxic of the link has: the same fault may be in force twice."""
    taken = {toxic.name for toxic in link.toxics()}
    return next(name for number in range(len(taken) + 1) if (name := f"{wanted}-{number}") not in taken)


def _remove(link: Link, name: str) -> None:
    link.remove_toxic(name)
    if name in {toxic.name for toxic in link.toxics()}:
        raise NotEnforceableError(f"the proxy was asked to remove {name} from {link.name} and still reports it")
