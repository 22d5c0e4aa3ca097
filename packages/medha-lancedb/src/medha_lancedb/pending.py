"""The pending file: single stores that are durable, and not in the table yet, shared by all processes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from medha.errors import (
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
    CorruptEntryError,
)
from medha.memory import not_found_message
from medha_lancedb import statements
from medha_lancedb.lock import turn
from medha_lancedb.names import PENDING
from medha_lancedb.rows import COUNTERS, VECTOR, checked_vector, metadata_text, to_entry, unreadable
from medha_lancedb.view import View

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from medha.models import CacheEntry
    from medha_lancedb.settings import LanceSettings
    from medha_lancedb.writing import Feedback

_LONGEST_WAIT: Final = 30.0
"""Seconds for another process's store, which takes a millisecond."""
_TOO_LARGE: Final = 2**63
_OLDEST_SQLITE: Final = (3, 37, 0)
_FLOAT: Final = np.dtype(np.float32)

Values: TypeAlias = tuple[Any, ...]
"""A row of the file, without its number."""


class PendingFile:
    """The file beside the data of one table; it goes when the table is dropped. Used on one thread."""

    def __init__(self, folder: Path, dimension: int, collection: str, settings: LanceSettings) -> None:
        self.path = folder / PENDING
        self._folder = folder
        self._dimension = dimension
        self._collection = collection
        self._settings = settings
        self._database: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None
        self._log = self.path.with_name(f"{PENDING}-wal")
        self._alone = False
        self._view = View(dimension)
        self._newest = 0
        self._version: int | None = None

    def open(self) -> int | None:
        """How many rows wait; ``None`` where single stores go straight to the table."""
        if not self._folder.exists():
            # nothing of what waits may be passed by
            raise self._gone()
        if not self.is_open() and self._settings.write_ahead and os.access(self._folder, os.W_OK):
            self._open()
        if self._database is None or not self._settings.write_ahead:
            return None
        (count,) = self._database.execute(statements.COUNT).fetchone()
        return count

    def close(self) -> None:
        """Let go of the file; harmless when it is not open."""
        database, self._database = self._database, None
        self._view, self._newest, self._version = View(self._dimension), 0, None
        self._alone = False
        if database is not None:
            database.close()

    def view(self) -> View:
        """What waits now, also from other processes: read only as far as it is new."""
        if self.is_open():
            self._refresh(self._opened)
        return self._view

    def values(self, entry: CacheEntry) -> Values:
        """The row of the entry; may be called on any thread."""
        source = f"{self._collection!r} on {self._settings.uri}"
        vector = checked_vector(entry, self._dimension, source)
        for name in COUNTERS:
            if abs(getattr(entry, name)) >= _TOO_LARGE:
                raise BackendWriteError(f"storing {entry.id!r} in {source}: {name} is too large; nothing was stored")
        fields = {"metadata": metadata_text(entry), VECTOR: vector.tobytes()}
        return tuple(fields.get(name) or getattr(entry, name) for name in statements.COLUMNS)

    def add(self, rows: Sequence[Values]) -> None:
        """Keep the rows, all or none, instead of those with the same ids."""
        with self._writing() as database:
            database.executemany(statements.ADD, rows)

    def remove(self, seqs: Iterable[int]) -> None:
        """Let these rows go, but nothing that was stored under their ids since."""
        with self._writing() as database:
            database.executemany(statements.REMOVE, [(seq,) for seq in seqs])

    def add_feedback(self, batch: Sequence[Feedback]) -> list[tuple[int, int] | None]:
        """Add to the counters of rows and return each as it was after its turn; ``None`` where there is no row."""
        if not self.is_open():
            return [None] * len(batch)
        with self._writing() as database:
            return [_counted(database, work) for work in batch]

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        if not self.is_open():
            raise self._gone()
        database = self._opened
        database.execute(statements.BEGIN_WRITING)
        try:
            yield database
            database.execute(statements.COMMIT)
        finally:
            # after a full disk SQLite has rolled back by itself
            if database.in_transaction:
                database.execute(statements.ROLLBACK)
            # the number tells of other connections' changes alone
            self._version = None

    def _refresh(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute(statements.GET_VERSION).fetchone()
        if version == self._version:
            return
        database.execute(statements.BEGIN_READING)
        try:
            alive = {seq for (seq,) in database.execute(statements.ALIVE)}
            new = database.execute(statements.NEWER, (self._newest,)).fetchall()
        finally:
            database.execute(statements.COMMIT)
        self._view.keep(alive)
        if new:
            self._take_in(new)
            self._newest = new[-1][0]
        self._version = version

    def _take_in(self, rows: Sequence[tuple[Any, ...]]) -> None:
        # one look at all vectors: it takes as long as one at each of a few
        size = self._dimension * _FLOAT.itemsize
        blobs = b"".join(row[-1] if len(row[-1]) == size else bytes(size) for row in rows)
        vectors = np.frombuffer(blobs, dtype=_FLOAT).reshape(len(rows), self._dimension)
        finite: Any = np.isfinite(vectors).all(axis=1)
        read = [
            (row[0], row[1], self._entry(row[1:], sound=bool(numbers) and len(row[-1]) == size))
            for row, numbers in zip(rows, finite, strict=True)
        ]
        self._view.put(read, vectors)

    def _entry(self, values: Sequence[Any], *, sound: bool) -> CacheEntry | CorruptEntryError:
        """The entry without its vector; ``sound`` says that this has been looked at."""
        row: dict[str, Any] = dict(zip(statements.COLUMNS, values, strict=True))
        stored = row.pop(VECTOR)
        try:
            vector = None if sound else np.frombuffer(stored, np.uint8).view(_FLOAT).reshape(self._dimension)
            return to_entry(row, vector, str(self.path))
        except CorruptEntryError as exc:
            return exc
        except ValueError as exc:
            error = unreadable(row["id"], str(self.path), exc)
            error.__cause__ = exc
            return error

    def is_open(self) -> bool:
        """Whether there is a file, which another process may have made."""
        if self._alone and self._log.exists():
            self.close()
        if self._database is None:
            if not self.path.exists():
                return False
            self._open()
            return True
        try:
            # what is written to a removed file would be gone with the process, and nobody would know
            if self._file is not None and os.path.samestat(self._file, self.path.stat()):
                return True
        except FileNotFoundError:
            pass
        self.close()
        raise self._gone()

    def _open(self) -> None:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise BackendUnavailableError(
                f"opening {self.path} needs SQLite {'.'.join(map(str, _OLDEST_SQLITE))} or newer, and this Python has "
                f"{sqlite3.sqlite_version}. Use a newer build of Python, or set MEDHA_LANCEDB_WRITE_AHEAD=false in "
                "every process that uses the folder"
            )
        if os.access(self._folder, os.W_OK):
            with turn(self._folder):
                self._database = self._prepared(self._connect(""))
        else:
            # SQLite can make no file there: if no log is beside it, the file alone is read, as long as there is none
            self._alone = not self._log.exists()
            self._database = self._connect("?mode=ro&immutable=1" if self._alone else "?mode=ro")
        self._file = self.path.stat()

    def _connect(self, how: str) -> sqlite3.Connection:
        name = f"{self.path.absolute().as_uri()}{how}"
        return sqlite3.connect(name, uri=True, timeout=_LONGEST_WAIT, isolation_level=None, check_same_thread=False)

    def _prepared(self, database: sqlite3.Connection) -> sqlite3.Connection:
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute(statements.SET_SYNCHRONOUS[self._settings.synchronous])
        (mode,) = database.execute(statements.SET_WAL).fetchone()
        if mode != "wal":
            raise BackendUnavailableError(
                f"opening {self.path}: SQLite cannot use its write-ahead log here (journal mode {mode!r}). Put the "
                "folder on a local disk, or set MEDHA_LANCEDB_WRITE_AHEAD=false in every process that uses it"
            )
        for statement in statements.SCHEMA:
            database.execute(statement)
        database.execute(statements.SET_MADE_FOR, (self._dimension,))
        (dimension,) = database.execute(statements.GET_MADE_FOR).fetchone()
        if dimension != self._dimension:
            raise CollectionMismatchError(
                f"opening {self.path}: it holds vectors of {dimension} dimensions, and the table of "
                f"{self._collection!r} such of {self._dimension}; was it copied here from another table? Move it away"
            )

    def _gone(self) -> CollectionNotFoundError:
        return CollectionNotFoundError(f"{self.path} is gone: {not_found_message(self._collection)}")

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise self._gone()
        return self._database


def _counted(database: sqlite3.Connection, work: Feedback) -> tuple[int, int] | None:
    added = {"id": work.entry_id, **dict(zip(COUNTERS, (work.correct, work.incorrect), strict=True))}
    if work.correct or work.incorrect:
        database.execute(statements.ADD_FEEDBACK, added)
    return database.execute(statements.GET_FEEDBACK, (work.entry_id,)).fetchone()
