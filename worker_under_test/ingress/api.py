"""The HTTP API: ``POST /conversation_events`` and ``GET /healthz``, which docs/reference/contracts.md describes.

A conversation is accepted, 202, when its event is stored and its message confirmed; until then nothing is promised.
Everything that blocks (parsing 3 MB, the database) runs on a thread, so that the event loop stays free.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from worker_under_test.conversation_message import parse_message
from worker_under_test.errors import PublishFailedError, UnparseableMessageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

logger = structlog.get_logger()

ID_BYTES_MAX = 255  # the column's width in letters, and an AMQP message id's in bytes
_UNAVAILABLE = 503
_RETRY_AFTER_S = 1


class Publisher(Protocol):
    """Puts a message into the work queue."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        ...

    def submit(self, conversation_id: str, body: bytes) -> Future[None]:
        """Return a future that ends once the broker has confirmed the message, or with PublishFailedError."""
        ...


class Refusal(Exception):  # noqa: N818 - an answer to the client, no fault here
    """The reason for not accepting a conversation: the answer's status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason = status, code, reason


def create_app(
    store: Callable[[str], None], publisher: Publisher, *, body_bytes_max: int, publish_timeout_s: float
) -> FastAPI:
    """Return the API. ``store`` creates the event of a conversation unless it exists; it blocks."""
    app = FastAPI(title="conversation events", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/conversation_events")
    async def accept(request: Request) -> JSONResponse:
        body = await _bounded_body(request, body_bytes_max)
        conversation_id = await asyncio.to_thread(_checked_id, body)
        await _stored(store, conversation_id)
        await _published(publisher, conversation_id, body, publish_timeout_s)
        return JSONResponse({"conversation_id": conversation_id}, status_code=202)

    @app.get("/healthz")
    async def health() -> JSONResponse:
        if not publisher.is_connected:
            raise Refusal(503, "BROKER_UNAVAILABLE", "the broker is not connected")
        return JSONResponse({"broker": "connected"})

    @app.exception_handler(Refusal)
    async def refuse(_: Request, refusal: Refusal) -> JSONResponse:
        logger.warning("request_refused", status=refusal.status, code=refusal.code, reason=refusal.reason)
        answer = {"error_code": refusal.code, "error_details": refusal.reason}
        again = {"Retry-After": str(_RETRY_AFTER_S)} if refusal.status == _UNAVAILABLE else {}
        return JSONResponse(answer, status_code=refusal.status, headers=again)

    return app


async def _stored(store: Callable[[str], None], conversation_id: str) -> None:
    try:
        await asyncio.to_thread(store, conversation_id)
    except SQLAlchemyError as error:
        reason = f"the event was not stored: {type(error).__name__}"
        raise Refusal(_UNAVAILABLE, "DATABASE_UNAVAILABLE", reason) from None


async def _published(publisher: Publisher, conversation_id: str, body: bytes, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(asyncio.wrap_future(publisher.submit(conversation_id, body)), timeout_s)
    except PublishFailedError as error:
        raise Refusal(_UNAVAILABLE, "BROKER_UNAVAILABLE", str(error)) from None
    except TimeoutError:
        raise Refusal(_UNAVAILABLE, "BROKER_TIMEOUT", f"not confirmed within {timeout_s:g} s") from None


def _checked_id(body: bytes) -> str:
    try:
        return conversation_id_of(body)
    except UnparseableMessageError as error:
        raise Refusal(422, "UNPARSEABLE_MESSAGE", str(error)) from None


def conversation_id_of(body: bytes) -> str:
    """Return the id of the conversation in ``body``.

    Raises:
        UnparseableMessageError: no worker could process the message, or its id does not fit the column.
    """
    try:
        message = parse_message(body)
    except RecursionError:
        raise UnparseableMessageError("the body is nested too deeply") from None
    for name in ("user_id", "bot_id"):
        if not isinstance(message.get(name), str):
            raise UnparseableMessageError(f"the body has no {name}")
    conversation_id = str(message["conversation_id"])
    # A lone surrogate, which JSON can hold and UTF-8 can't, is refused.
    encoded = conversation_id.encode(errors="replace")
    is_text = encoded.decode() == conversation_id and "\0" not in conversation_id
    if not is_text or not 1 <= len(encoded) <= ID_BYTES_MAX:
        raise UnparseableMessageError(f"conversation_id needs 1 to {ID_BYTES_MAX} bytes of text")
    return conversation_id


async def _bounded_body(request: Request, bytes_max: int) -> bytes:
    """Read the body; refuse one that is too large, by its announced length or by the bytes received."""
    too_large = Refusal(413, "BODY_TOO_LARGE", f"the body has more than {bytes_max} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > bytes_max:
                raise too_large
    except ClientDisconnect:
        raise Refusal(400, "BODY_INCOMPLETE", "the connection ended before the body did") from None
    return bytes(body)
