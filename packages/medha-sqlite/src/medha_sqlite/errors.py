"""What SQLite reports, as Medha's errors: every one names the file and the way out."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from medha.errors import BackendError, BackendUnavailableError, BackendWriteError, CorruptEntryError

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableRowError(Exception):
    """A stored row that cannot be an entry; raised where the file's name is not known."""

    def __init__(self, entry_id: str, why: str) -> None:
        super().__init__(f"the entry {entry_id!r} {why}")


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
_OUT_OF_A_ROW: Final = "Remove that entry (delete by its id does not read it) and store its question again"


def explain(exc: Exception, *, doing: str, path: Path) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something with the file."""
    if isinstance(exc, UnreadableRowError):
        return CorruptEntryError(f"{doing} in {path}: {exc}. {_OUT_OF_A_ROW}")
    if str(exc).startswith(_CORRUPT_ROW):
        return CorruptEntryError(f"{doing} in {path}: the text of a row is damaged ({exc}). {_OUT_OF_A_ROW}")
    code: int | None = getattr(exc, "sqlite_errorcode", None)
    if code is not None:
        kind, advice = EXPLANATIONS.get(code & 0xFF, _OTHER)
        name: str = getattr(exc, "sqlite_errorname", "")
        return kind(f"{doing} in {path}: {advice} ({name}: {exc})")
    refused = (sqlite3.DataError, sqlite3.IntegrityError, OverflowError, UnicodeEncodeError)
    kind, advice = _REFUSED if isinstance(exc, refused) else _OTHER
    return kind(f"{doing} in {path}: {advice} ({type(exc).__name__}: {exc})")
