"""What Chroma and its driver report, as Medha's errors: every one names the place and the way out."""

from __future__ import annotations

import sqlite3
from json import JSONDecodeError
from typing import Final

import httpx
from chromadb import errors as driver
from portalocker import LockException
from pydantic import ValidationError

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

Explanation = tuple[type[BackendError], str]

_UNREACHABLE: Final = (
    BackendUnavailableError,
    (
        "it cannot be reached. See whether the server runs there and can be reached from here; MEDHA_CHROMA_URL "
        "sets the address"
    ),
)
_CUT_OFF: Final = (
    BackendUnavailableError,
    (
        "the connection broke before the answer came. Either the server went away, or the request was larger than "
        "it or a proxy takes: store fewer entries at a time"
    ),
)
_LATE: Final = (
    BackendTimeoutError,
    ("it did not answer in time. See whether it is overloaded, or raise MEDHA_CHROMA_TIMEOUT"),
)
_REFUSED_TOKEN: Final = (
    BackendUnavailableError,
    (
        "it refused the token, or the token does not allow this. Set MEDHA_CHROMA_TOKEN to one that may read and "
        "write the database, and MEDHA_CHROMA_TOKEN_HEADER to the header that carries it"
    ),
)
_NO_DATABASE: Final = (
    BackendUnavailableError,
    (
        "there is no such tenant or database. Make them with Chroma's own client, or set MEDHA_CHROMA_TENANT and "
        "MEDHA_CHROMA_DATABASE"
    ),
)
_BUSY: Final = (BackendUnavailableError, "it takes no more requests just now. Try again later, or raise its limit")
_TOO_LARGE: Final = (
    BackendWriteError,
    ("that is more than Chroma takes at once; nothing of it was stored. Store fewer entries at a time"),
)
_QUOTA: Final = (BackendWriteError, "a quota of the server does not allow this; nothing of it was stored. Raise it")
_DISK: Final = (
    BackendWriteError,
    ("the disk is full or cannot be written; what was stored before is kept. Free some space and store again"),
)
_REFUSED: Final = (BackendWriteError, "Chroma refused the request; nothing of it was stored")
_NOT_UNDERSTOOD: Final = (
    BackendError,
    (
        "what answered is not a Chroma that this driver understands. Check that MEDHA_CHROMA_URL leads to Chroma, "
        "and that server and chromadb are of about the same version"
    ),
)
_IN_USE: Final = (
    BackendUnavailableError,
    (
        "another process, or another backend of this one, has the folder open, and only one may. Close that one, "
        "give this one another MEDHA_CHROMA_PATH, or use a server"
    ),
)
_CLOSED: Final = (BackendUnavailableError, "the connection was closed meanwhile; call connect() again")
_OTHER: Final = (BackendError, "Chroma failed in a way that Medha does not expect; its log may say more")


class AnswerError(Exception):
    """An answer of a server, or of something before it, that is none of Chroma's own errors."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status}: {said}")
        self.status = status


EXPLANATIONS: Final[dict[type[BaseException], Explanation]] = {
    driver.InvalidDimensionException: _REFUSED,
    driver.InvalidArgumentError: _REFUSED,
    driver.InvalidUUIDError: _REFUSED,
    driver.IDAlreadyExistsError: _REFUSED,
    driver.DuplicateIDError: _REFUSED,
    driver.UniqueConstraintError: _REFUSED,
    driver.NotFoundError: _NOT_UNDERSTOOD,
    driver.InvalidHTTPVersion: _NOT_UNDERSTOOD,
    driver.VersionMismatchError: _NOT_UNDERSTOOD,
    driver.AuthorizationError: _REFUSED_TOKEN,
    driver.ChromaAuthError: _REFUSED_TOKEN,
    driver.BatchSizeExceededError: _TOO_LARGE,
    driver.RateLimitError: _BUSY,
    driver.QuotaError: _QUOTA,
    driver.InternalError: _OTHER,
    driver.ChromaError: _OTHER,
    TimeoutError: _LATE,
    httpx.TimeoutException: _LATE,
    httpx.ReadError: _CUT_OFF,
    httpx.WriteError: _CUT_OFF,
    httpx.RemoteProtocolError: _CUT_OFF,
    httpx.DecodingError: _NOT_UNDERSTOOD,
    httpx.TooManyRedirects: _NOT_UNDERSTOOD,
    httpx.InvalidURL: _NOT_UNDERSTOOD,
    httpx.HTTPError: _UNREACHABLE,
    httpx.StreamError: _UNREACHABLE,
    JSONDecodeError: _NOT_UNDERSTOOD,
    ValidationError: _NOT_UNDERSTOOD,
    KeyError: _NOT_UNDERSTOOD,
    LockException: _IN_USE,
    sqlite3.Error: _DISK,
    OSError: _DISK,
    ValueError: _REFUSED,
    OverflowError: _REFUSED,
}
"""By the most special kind of the error; what is not here is a fault of the engine or of this package."""

_BY_STATUS: Final[dict[int, Explanation]] = {
    400: _REFUSED,
    401: _REFUSED_TOKEN,
    403: _REFUSED_TOKEN,
    404: _NOT_UNDERSTOOD,
    405: _NOT_UNDERSTOOD,
    408: _LATE,
    413: _TOO_LARGE,
    422: _REFUSED,
    429: _BUSY,
    502: _UNREACHABLE,
    503: _UNREACHABLE,
    504: _LATE,
    507: _DISK,
}

_BY_WORDS: Final[tuple[tuple[str, Explanation], ...]] = (
    ("database or disk is full", _DISK),
    ("No space left", _DISK),
    ("readonly database", _DISK),
    ("Read-only file system", _DISK),
    ("disk I/O error", _DISK),
    ("unable to open database file", _DISK),
    ("database is locked", _BUSY),
    ("too many requests", _BUSY),
    ("atch size", _TOO_LARGE),
    ("client has been closed", _CLOSED),
    ("Tenant [", _NO_DATABASE),
    ("Database [", _NO_DATABASE),
)


def explain(exc: BaseException, *, doing: str, place: str, collection: str, writing: bool) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something with the collection."""
    said = _words(exc)
    if _is_no_collection(exc, said):
        return CollectionNotFoundError(f"{doing} on {place}: {not_found_message(collection)}")
    if isinstance(exc, driver.InvalidDimensionException) or "expecting embedding with dimension" in said:
        return other_dimension(f"{doing} on {place}", collection, said)
    kind, advice = _explanation(exc, said)
    if kind is BackendWriteError and not writing and advice == _REFUSED[1]:
        kind, advice = BackendError, "Chroma refused the request"
    return failure(f"{doing} on {place}", (kind, advice), said)


def _is_no_collection(exc: BaseException, said: str) -> bool:
    return isinstance(exc, driver.NotFoundError) and "ollection" in said and "does not exist" in said


def _explanation(exc: BaseException, said: str) -> Explanation:
    by_words = next((explanation for words, explanation in _BY_WORDS if words in said), None)
    if by_words is not None:
        return by_words
    if isinstance(exc, AnswerError):
        return _BY_STATUS.get(exc.status, _OTHER)
    return next((EXPLANATIONS[kind] for kind in type(exc).__mro__ if kind in EXPLANATIONS), _OTHER)


def _words(exc: BaseException) -> str:
    """The driver's own words, without what it says of the request."""
    if isinstance(exc, ValidationError):
        return f"{exc.error_count()} fields of {exc.title} are missing or wrong"
    return f"{type(exc).__name__}: {exc}"[:_LONGEST]
