"""What SQLite reports, as Medha's errors: every one names the file and the way out."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from medha.errors import BackendError, BackendUnavailableError, BackendWriteError
from medha.explaining import failure, unreadable_row
from medha.rows import UnreadableRowError

if TYPE_CHECKING:
    from pathlib import Path

_LOCKED: Final = (
    BackendUnavailableError,
    (
        "another process or connection holds the write lock. Let it finish (look for a stuck writer or an open "
        "transaction in a database tool), or raise MEDHA_SQLITE_BUSY_TIMEOUT"
    ),
)
_DAMAGED: Final = (
    BackendError,
    (
        "the file is damaged, or is not an SQLite database; nothing was changed in it. Check the path; else stop every "
        "process that uses the file, move it away together with its -wal and -shm files and restore a backup, or save "
        "what can be read with the command: sqlite3 FILE .recover"
    ),
)
_FULL: Final = (
    BackendWriteError,
    ("the disk is full; what was stored before is intact. Free some space and store again"),
)
_READ_ONLY: Final = (
    BackendWriteError,
    (
        "the file or its folder is read-only; what was stored before is intact. Make both writable for this user, or "
        "set MEDHA_SQLITE_PATH to another place"
    ),
)
_DISK: Final = (
    BackendWriteError,
    (
        "the operating system failed to read or write the file; what was stored before is kept. Check the disk, quotas "
        "and limits, and whether the file lies on a network share (WAL needs a local disk); then try again"
    ),
)
_CANNOT_OPEN: Final = (
    BackendUnavailableError,
    (
        "the file cannot be opened. Its folder must exist and be writable for this user, and the path must not be a "
        "folder itself; MEDHA_SQLITE_PATH sets it"
    ),
)
_REFUSED: Final = (BackendWriteError, "SQLite refused the values; nothing of this call was stored")
_MEMORY: Final = (BackendUnavailableError, "SQLite ran out of memory. Free some and try again")
_OTHER: Final = (
    BackendError,
    ("SQLite failed in a way that Medha does not expect; has another program changed the tables in the file?"),
)

EXPLANATIONS: Final[dict[int, tuple[type[BackendError], str]]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FORMAT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_NOLFS: _DISK,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
    sqlite3.SQLITE_AUTH: _CANNOT_OPEN,
    sqlite3.SQLITE_NOMEM: _MEMORY,
    sqlite3.SQLITE_TOOBIG: _REFUSED,
    sqlite3.SQLITE_CONSTRAINT: _REFUSED,
    sqlite3.SQLITE_MISMATCH: _REFUSED,
}
"""By primary result code; what is not here is a fault of the program or the schema."""

_CORRUPT_ROW: Final = ("malformed JSON", "Could not decode to UTF-8")


def explain(exc: Exception, *, doing: str, path: Path) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something with the file."""
    doing = f"{doing} in {path}"
    if isinstance(exc, UnreadableRowError):
        return unreadable_row(doing, exc)
    if str(exc).startswith(_CORRUPT_ROW):
        return unreadable_row(doing, f"the text of a row is damaged ({exc})")
    code: int | None = getattr(exc, "sqlite_errorcode", None)
    if code is not None:
        name: str = getattr(exc, "sqlite_errorname", "")
        return failure(doing, EXPLANATIONS.get(code & 0xFF, _OTHER), f"{name}: {exc}")
    refused = (sqlite3.DataError, sqlite3.IntegrityError, OverflowError, UnicodeEncodeError)
    return failure(doing, _REFUSED if isinstance(exc, refused) else _OTHER, f"{type(exc).__name__}: {exc}")
