"""What a mode is: a frozen dataclass whose fields are its settings, and one coroutine. A shape; it does nothing.

To add a mode: write its class beside its kin (``answering``, ``hanging``, ``breaking``; settings by
``fake_mem0.settings``, units stated; ``meet``), name it in the table of ``fake_mem0.modes``, and test it through a real
socket in ``tests/integration/test_fake_mem0_modes.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from dataclasses import Field

    from fake_mem0.exchange import Ending, Exchange


class Mode(Protocol):
    """One way to meet a request. Its docstring's first line is what ``modes`` prints of it."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # a dataclass: the type checker holds every mode to it
    answers_well: ClassVar[bool]  # the whole of its answer, sent with status 200, is a good one

    async def meet(self, exchange: Exchange) -> Ending:
        """Meet one request whose body has been read; return what became of it.

        Lets ReleasedError, ConnectionError and CancelledError pass: ``app`` knows what they mean.
        """
        ...
