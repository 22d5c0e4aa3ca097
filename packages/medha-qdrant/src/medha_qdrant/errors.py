"""What Qdrant and its driver report, as Medha's errors: every one names the engine and the way out."""

from __future__ import annotations

import sqlite3
from json import JSONDecodeError
from typing import Final

import grpc
import httpx
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
)
from medha.explaining import failure, other_dimension
from medha.memory import not_found_message

_LONGEST: Final = 300
"""Characters kept of the driver's own words."""

_UNREACHABLE: Final = (
    BackendUnavailableError,
    (
        "it cannot be reached. See whether the server runs there and can be reached from here; MEDHA_QDRANT_URL and "
        "MEDHA_QDRANT_GRPC_PORT set the address, MEDHA_QDRANT_PREFER_GRPC=false uses REST alone"
    ),
)
_CUT_OFF: Final = (
    BackendUnavailableError,
    (
        "the connection broke before the answer came. Either the server went away, or the request was larger than it "
        "takes (service.max_request_size_mb, 32 unless set): gRPC has no such limit (MEDHA_QDRANT_PREFER_GRPC=true), "
        "else store fewer entries at a time"
    ),
)
_LATE: Final = (
    BackendTimeoutError,
    ("it did not answer in time. See whether it is overloaded, or raise MEDHA_QDRANT_TIMEOUT"),
)
_REFUSED_KEY: Final = (
    BackendUnavailableError,
    (
        "it refused the API key, or the key does not allow this. Set MEDHA_QDRANT_API_KEY to a key that may read and "
        "write these collections"
    ),
)
_BUSY: Final = (
    BackendUnavailableError,
    ("it takes no more requests just now (a rate limit, or its memory is full). Try again later, or raise the limit"),
)
_TOO_LARGE: Final = (
    BackendWriteError,
    (
        "the request is larger than the server takes; nothing of it was stored. gRPC has no such limit "
        "(MEDHA_QDRANT_PREFER_GRPC=true), store fewer entries at a time, or raise service.max_request_size_mb"
    ),
)
_DISK: Final = (
    BackendWriteError,
    ("the disk is full or cannot be written; what was stored before is kept. Free some space and store again"),
)
_REFUSED: Final = (BackendWriteError, "Qdrant refused the request; nothing of it was stored")
_STRICT: Final = "the collection's strict mode refuses it. Ask for less at a time, or let the operator raise that limit"
_NOT_UNDERSTOOD: Final = (
    BackendError,
    (
        "what answered is not a Qdrant that this driver understands. Check that MEDHA_QDRANT_URL leads to Qdrant, and "
        "that server and qdrant-client are of about the same version"
    ),
)
_IN_USE: Final = (
    BackendUnavailableError,
    (
        "another process, or another backend of this one, has the folder open, and only one may. Close that one, give "
        "this one another MEDHA_QDRANT_PATH, or use a server"
    ),
)
_OTHER: Final = (BackendError, "Qdrant failed in a way that Medha does not expect; its log may say more")

_HTTP_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    413: "OUT_OF_RANGE",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    507: "DATA_LOSS",
}
"""By the name of the gRPC status that means the same."""

EXPLANATIONS: Final[dict[str, tuple[type[BackendError], str]]] = {
    "INVALID_ARGUMENT": _REFUSED,
    "FAILED_PRECONDITION": _REFUSED,
    "ALREADY_EXISTS": _REFUSED,
    "OUT_OF_RANGE": _TOO_LARGE,
    "DATA_LOSS": _DISK,
    "UNAUTHENTICATED": _REFUSED_KEY,
    "PERMISSION_DENIED": _REFUSED_KEY,
    "NOT_FOUND": _NOT_UNDERSTOOD,
    "UNIMPLEMENTED": _NOT_UNDERSTOOD,
    "DEADLINE_EXCEEDED": _LATE,
    "UNAVAILABLE": _UNREACHABLE,
    "CANCELLED": _UNREACHABLE,
    "ABORTED": _BUSY,
    "RESOURCE_EXHAUSTED": _BUSY,
}
"""By the name of the gRPC status; what is not here is a fault of the server or of this package."""


def status_of(exc: BaseException) -> str | None:
    """The name of the gRPC status that the error has, or that says the same as its HTTP status."""
    if isinstance(exc, grpc.aio.AioRpcError):
        return exc.code().name
    if isinstance(exc, UnexpectedResponse):
        return _HTTP_STATUS.get(exc.status_code or 0, "INTERNAL")
    return None


def explain(exc: Exception, *, doing: str, place: str, collection: str, writing: bool) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something with the collection."""
    cause = exc.source if isinstance(exc, ResponseHandlingException) else exc
    status, said = status_of(cause), _words(cause)
    if _is_no_collection(status, cause, said):
        return CollectionNotFoundError(f"{doing} on {place}: {not_found_message(collection)}")
    if "dimension error" in said:
        return other_dimension(f"{doing} on {place}", collection, said)
    if "Help: " in said:
        return (BackendWriteError if writing else BackendError)(f"{doing} on {place}: {_STRICT} ({said})")
    kind, advice = _explanation(cause, status, said)
    if kind is BackendWriteError and not writing and advice == _REFUSED[1]:
        kind, advice = BackendError, "Qdrant refused the request"
    return failure(f"{doing} on {place}", (kind, advice), said)


def _is_no_collection(status: str | None, exc: Exception, said: str) -> bool:
    if status == "NOT_FOUND":
        return "doesn't exist" in said
    if status == "INTERNAL":
        # another process is just making it
        return "0 of 0 read operations failed" in said
    return isinstance(exc, ValueError) and said.endswith(" not found")


_BY_KIND: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], tuple[type[BackendError], str]], ...]] = (
    (ResourceExhaustedResponse, _BUSY),
    (httpx.TimeoutException, _LATE),
    (
        (httpx.DecodingError, httpx.TooManyRedirects, httpx.InvalidURL, ValidationError, JSONDecodeError),
        _NOT_UNDERSTOOD,
    ),
    ((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError), _CUT_OFF),
    ((httpx.HTTPError, httpx.StreamError), _UNREACHABLE),
    ((OSError, sqlite3.Error), _DISK),
    ((ValueError, OverflowError), _REFUSED),
)
_BY_WORDS: Final = (
    ("No space left", _DISK),
    ("disk space", _DISK),
    ("Read-only file system", _DISK),
    ("lient was closed", _UNREACHABLE),
    ("client has been closed", _UNREACHABLE),
    ("Channel is closed", _UNREACHABLE),
    ("already accessed", _IN_USE),
)


def _explanation(exc: Exception, status: str | None, said: str) -> tuple[type[BackendError], str]:
    by_words = next((explanation for words, explanation in _BY_WORDS if words in said), None)
    if by_words is not None:
        return by_words
    if status is not None:
        return EXPLANATIONS.get(status, _OTHER)
    return next((explanation for kinds, explanation in _BY_KIND if isinstance(exc, kinds)), _OTHER)


def _words(exc: Exception) -> str:
    """The driver's own words, without what it says of the request."""
    if isinstance(exc, grpc.aio.AioRpcError):
        words = f"{exc.code().name}: {exc.details()}"
    elif isinstance(exc, UnexpectedResponse):
        words = f"HTTP {exc.status_code}: {_error_in(exc.content) or exc.reason_phrase}"
    elif isinstance(exc, ValidationError):
        words = f"{exc.error_count()} fields of {exc.title} are missing or wrong"
    else:
        words = f"{type(exc).__name__}: {exc}"
    return words[:_LONGEST]


def _error_in(content: bytes) -> str:
    head = content[:2000].decode(errors="replace")
    _, quoted, rest = head.partition('"error":"')
    return rest.rpartition('"},"time"')[0] if quoted else head
