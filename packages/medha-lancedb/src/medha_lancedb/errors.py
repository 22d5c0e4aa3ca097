"""What LanceDB reports, as Medha's errors: every one names the place and the way out."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import TYPE_CHECKING, Final, TypeVar

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
)
from medha.explaining import failure, other_dimension
from medha.memory import not_found_message
from medha_lancedb.arrow import pa

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")

_LONGEST: Final = 300
"""Characters kept of the driver's own words."""

Explanation = tuple[type[BackendError], str]

_FULL: Final = (
    BackendWriteError,
    ("the disk is full, or a quota is; what was stored before is kept. Free some space and store again"),
)
_READ_ONLY: Final = (
    BackendWriteError,
    (
        "it cannot be written; what was stored before is kept. Make it writable for this user or key, or set "
        "MEDHA_LANCEDB_URI to another place"
    ),
)
_IN_THE_WAY: Final = (
    BackendUnavailableError,
    ("there is no folder, and none can be made. MEDHA_LANCEDB_URI sets it"),
)
_REFUSED_KEY: Final = (
    BackendUnavailableError,
    ("the object store refused the key, or wants one. Set it in MEDHA_LANCEDB_STORAGE_OPTIONS"),
)
_UNREACHABLE: Final = (
    BackendUnavailableError,
    (
        "the object store cannot be reached. See whether MEDHA_LANCEDB_URI and the endpoint and region in "
        "MEDHA_LANCEDB_STORAGE_OPTIONS are right, and whether it is up"
    ),
)
_LATE: Final = (BackendTimeoutError, "it did not answer in time. See whether the disk or the store is overloaded")
_CONTENDED: Final = (
    BackendUnavailableError,
    ("other processes wrote all the while; nothing of this call was stored. Try again, or raise MEDHA_LANCEDB_RETRIES"),
)
_DAMAGED: Final = (
    BackendError,
    (
        "a file of the table is missing or damaged. Restore the table's folder from a backup, or drop the "
        "collection and warm it again"
    ),
)
_REFUSED: Final = (BackendWriteError, "Lance refused the values; nothing of this call was stored")
_OTHER: Final = (BackendError, "Lance failed in a way that Medha does not expect")

_PENDING_BUSY: Final = (
    BackendUnavailableError,
    (
        "another process holds its lock, or merges all the while; nothing of this call was stored. Look for a stuck "
        "process, or for an open transaction in a database tool, and try again"
    ),
)
_PENDING_DAMAGED: Final = (
    BackendError,
    (
        "the file, which holds the stores that are not in the table yet, is damaged, or is not an SQLite database; "
        "nothing was changed in it. Stop every process that uses the folder and move it away together with its -wal "
        "and -shm files: what was merged before is in the table. The command sqlite3 FILE .recover may save the rest"
    ),
)
_PENDING_CANNOT_OPEN: Final = (
    BackendUnavailableError,
    (
        "the file cannot be opened or made. Make the table's folder writable for this user, or set "
        "MEDHA_LANCEDB_WRITE_AHEAD=false in every process that uses the folder"
    ),
)
_PENDING_DISK: Final = (
    BackendWriteError,
    (
        "the operating system failed to read or write the file; what was stored before is kept. Check the disk and "
        "whether the folder lies on a network share: there, set MEDHA_LANCEDB_WRITE_AHEAD=false in every process"
    ),
)
_PENDING_REFUSED: Final = (BackendWriteError, "SQLite refused the values; nothing was stored")
_PENDING_OTHER: Final = (
    BackendError,
    "SQLite failed in a way that Medha does not expect; has another program changed the tables in the file?",
)

PENDING_EXPLANATIONS: Final[dict[int, Explanation]] = {
    sqlite3.SQLITE_BUSY: _PENDING_BUSY,
    sqlite3.SQLITE_LOCKED: _PENDING_BUSY,
    sqlite3.SQLITE_PROTOCOL: _PENDING_BUSY,
    sqlite3.SQLITE_CORRUPT: _PENDING_DAMAGED,
    sqlite3.SQLITE_NOTADB: _PENDING_DAMAGED,
    sqlite3.SQLITE_FORMAT: _PENDING_DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _PENDING_DISK,
    sqlite3.SQLITE_CANTOPEN: _PENDING_CANNOT_OPEN,
    sqlite3.SQLITE_TOOBIG: _PENDING_REFUSED,
    sqlite3.SQLITE_CONSTRAINT: _PENDING_REFUSED,
    sqlite3.SQLITE_MISMATCH: _PENDING_REFUSED,
}
"""By SQLite's primary result code; what is not here is a fault of the program or of the tables in the file."""

_BY_WORDS: Final[tuple[tuple[str, Explanation], ...]] = (
    ("No space left", _FULL),
    ("Disk quota", _FULL),
    ("File too large", _FULL),
    ("Read-only file system", _READ_ONLY),
    ("Permission denied", _READ_ONLY),
    ("Operation not permitted", _READ_ONLY),
    ("Not a directory", _IN_THE_WAY),
    ("File exists", _IN_THE_WAY),
    ("AccessDenied", _REFUSED_KEY),
    ("InvalidAccessKeyId", _REFUSED_KEY),
    ("SignatureDoesNotMatch", _REFUSED_KEY),
    ("Forbidden", _REFUSED_KEY),
    ("Unauthorized", _REFUSED_KEY),
    ("redential", _REFUSED_KEY),
    ("ommit conflict", _CONTENDED),
    ("oo many concurrent writers", _CONTENDED),
    ("oncurrently deleted", _CONTENDED),
    ("incompatible with", _CONTENDED),
    ("NoSuchBucket", _UNREACHABLE),
    ("rror sending request", _UNREACHABLE),
    ("onnection refused", _UNREACHABLE),
    ("dns error", _UNREACHABLE),
    ("imed out", _LATE),
    ("imeout", _LATE),
    ("Not found", _DAMAGED),
    ("not found", _DAMAGED),
    ("orrupt", _DAMAGED),
    ("magic number", _DAMAGED),
    ("No such file", _DAMAGED),
    ("UnexpectedEof", _DAMAGED),
    ("LanceError(IO)", _DAMAGED),
)

EXPLANATIONS: Final[dict[type[BaseException], Explanation]] = {
    TimeoutError: _LATE,
    PermissionError: _READ_ONLY,
    FileExistsError: _IN_THE_WAY,
    NotADirectoryError: _IN_THE_WAY,
    OSError: _DAMAGED,
    pa.ArrowException: _REFUSED,
    ValueError: _REFUSED,
    OverflowError: _REFUSED,
}
"""By the most special kind of the error, where its words tell nothing; what is not here is a fault of Lance."""

_NO_TABLE: Final = re.compile(
    r"Table '.*' was not found|TableNotFound|[Nn]ot found: \S*_versions|Dataset at path .* was not found"
)


def explain(exc: BaseException, *, doing: str, place: str, collection: str, writing: bool) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something with the collection."""
    said = _words(exc)
    if collection and _NO_TABLE.search(str(exc)):
        return CollectionNotFoundError(f"{doing} on {place}: {not_found_message(collection)}")
    if "query dim(" in said or "dimension" in said:
        return other_dimension(f"{doing} on {place}", collection, said)
    kind, advice = _explanation(exc)
    if kind is BackendWriteError and not writing and advice == _REFUSED[1]:
        kind, advice = BackendError, "Lance refused the request"
    return failure(f"{doing} on {place}", (kind, advice), said)


def explain_pending(exc: Exception, *, doing: str, path: Path, collection: str) -> BackendError:
    """The error to raise from ``exc``, raised while ``doing`` something with the pending file."""
    code: int | None = getattr(exc, "sqlite_errorcode", None)
    named = f"{doing} {path}"
    if not path.parent.exists():
        return CollectionNotFoundError(f"{named}: {not_found_message(collection)}")
    if isinstance(exc, OSError):
        kind, advice = _PENDING_CANNOT_OPEN
    elif code is None:
        refused = isinstance(exc, sqlite3.DataError | OverflowError | UnicodeEncodeError)
        kind, advice = _PENDING_REFUSED if refused else _PENDING_OTHER
    else:
        kind, advice = PENDING_EXPLANATIONS.get(code & 0xFF, _PENDING_OTHER)
    return kind(f"{named}: {advice} ({type(exc).__name__}: {exc})")


def is_lost_race(exc: BaseException) -> bool:
    """Whether a commit failed only because another one came first."""
    return _explanation(exc) == _CONTENDED


def _explanation(exc: BaseException) -> Explanation:
    by_words = next((explanation for words, explanation in _BY_WORDS if words in str(exc)), None)
    if by_words is not None:
        return by_words
    return next((EXPLANATIONS[kind] for kind in type(exc).__mro__ if kind in EXPLANATIONS), _OTHER)


def _words(exc: BaseException) -> str:
    """The driver's own words, without the place in its source."""
    return f"{type(exc).__name__}: {exc}".partition(", /")[0][:_LONGEST]


async def translated(
    call: Callable[[], Awaitable[T]], *, doing: str, place: str, collection: str = "", writing: bool = False
) -> T:
    """What the call returns; what the driver raises becomes an error of Medha."""
    try:
        return await call()
    except (BackendError, asyncio.CancelledError):
        raise
    except BaseException as exc:
        # the driver is not written in Python: when it panics, that is no Exception
        if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
            raise
        raise explain(exc, doing=doing, place=place, collection=collection, writing=writing) from exc
