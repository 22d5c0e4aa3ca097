"""One SQLite connection, on a thread of its own."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from medha.errors import BackendError, BackendUnavailableError
from medha.explaining import not_connected
from medha.rows import UnreadableRowError
from medha_sqlite import statements
from medha_sqlite.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha_sqlite.settings import SqliteSettings

R = TypeVar("R")
T = TypeVar("T")

_OLDEST_SQLITE = (3, 37, 0)
_FAULTS = (sqlite3.Error, UnreadableRowError, OverflowError, UnicodeEncodeError)


class Connection:
    """Runs each piece of work in one transaction, whole or not at all.

    A caller that is cancelled leaves its work either unstarted or running to its end on the thread, so that
    no transaction is ever left open.
    """

    def __init__(self, settings: SqliteSettings) -> None:
        self.path = settings.path.absolute()
        self._place = str(self.path)
        self._settings = settings
        self._database: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medha-sqlite")

    async def open(self) -> None:
        """Open the file, making it where there is none; harmless when it is open."""
        await self._run("opening the database", self._open)

    async def close(self) -> None:
        """Close the file after all work that was handed in before."""
        closed = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        # closing is not undone by a caller that stops waiting for it
        await asyncio.shield(asyncio.wrap_future(closed))

    async def read(self, doing: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work on one snapshot of the file."""
        return await self._run(doing, lambda: self._transaction(statements.BEGIN_READING, work))

    async def read_at_once(
        self, doing: str, read: Callable[[sqlite3.Connection], R], make: Callable[[R], T], *, few: bool
    ) -> T:
        """What is made of what one statement fetches, all of it: that is a snapshot by itself.

        Each microsecond on the thread comes back many times over when the loop falls asleep meanwhile. So what is made
        of a few rows is made on the loop, and there the file is looked at, afterwards.
        """
        try:
            if few:
                result = make(await self._on_thread(lambda: read(self._opened())))
            else:
                result = await self._on_thread(lambda: make(read(self._opened())))
        except _FAULTS as exc:
            self._refuse_another_file()
            raise explain(exc, doing=doing, path=self.path) from exc
        self._refuse_another_file()
        return result

    async def write(self, doing: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work as the one writer; its changes are durable on return, and undone if it raises."""
        return await self._run(doing, lambda: self._transaction(statements.BEGIN_WRITING, work))

    async def _run(self, doing: str, job: Callable[[], T]) -> T:
        try:
            return await self._on_thread(job)
        except _FAULTS as exc:
            raise explain(exc, doing=doing, path=self.path) from exc

    def _on_thread(self, job: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, job)

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        database = self._usable()
        database.execute(begin)
        try:
            result = work(database)
            database.execute(statements.COMMIT)
        finally:
            # after a full disk SQLite has rolled back by itself
            if database.in_transaction:
                database.execute(statements.ROLLBACK)
        return result

    def _usable(self) -> sqlite3.Connection:
        database = self._opened()
        self._refuse_another_file()
        return database

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise not_connected("sqlite", self.path)
        return self._database

    def _open(self) -> None:
        if self._database is not None:
            return
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise BackendUnavailableError(
                f"medha-sqlite needs SQLite {'.'.join(map(str, _OLDEST_SQLITE))} or newer, and this Python has "
                f"{sqlite3.sqlite_version}; use a newer Python build"
            )
        database = sqlite3.connect(
            self.path, timeout=self._settings.busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        self._database, self._file = database, self.path.stat()

    def _prepare(self, database: sqlite3.Connection) -> None:
        for statement in statements.SET_PER_CONNECTION:
            database.execute(statement)
        database.execute(statements.SET_SYNCHRONOUS[self._settings.synchronous])
        new = self._is_new(database)
        mode = _value(database, statements.SET_WAL)
        if mode != "wal":
            raise BackendUnavailableError(
                f"opening {self.path}: SQLite cannot use its write-ahead log here (journal mode {mode!r}); "
                "put the file on a local disk"
            )
        if new:
            self._make_schema(database)

    def _make_schema(self, database: sqlite3.Connection) -> None:
        database.execute(statements.BEGIN_WRITING)
        try:
            # another process may have made it between the look and the lock
            if self._is_new(database):
                for statement in (*statements.SCHEMA, statements.SET_APPLICATION_ID, statements.SET_SCHEMA_VERSION):
                    database.execute(statement)
            database.execute(statements.COMMIT)
        finally:
            if database.in_transaction:
                database.execute(statements.ROLLBACK)

    def _is_new(self, database: sqlite3.Connection) -> bool:
        application = _value(database, statements.GET_APPLICATION_ID)
        if application == 0 and not _value(database, statements.GET_HAS_TABLES):
            return True
        if application != statements.APPLICATION_ID:
            raise BackendError(
                f"{self.path} is a database of another application (application id {application}), and was left "
                "alone; set MEDHA_SQLITE_PATH to a file of Medha's own"
            )
        version = _value(database, statements.GET_SCHEMA_VERSION)
        if version > statements.SCHEMA_VERSION:
            raise BackendError(
                f"{self.path} was written by a newer medha-sqlite (schema {version}; this one knows up to "
                f"{statements.SCHEMA_VERSION}). Try: pip install --upgrade medha-sqlite"
            )
        return False

    def _refuse_another_file(self) -> None:
        """What is written to a removed file would be gone with the process, and nobody would know."""
        if self._file is None:
            return  # it is closed
        try:
            if os.path.samestat(self._file, os.stat(self._place)):  # noqa: PTH116 - takes half as long
                return
        except OSError as exc:
            raise BackendUnavailableError(file_gone(self.path)) from exc
        raise BackendUnavailableError(file_gone(self.path))

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = self._file = None


def file_gone(path: object) -> str:
    """What a backend says whose file was removed or replaced under it."""
    return (
        f"{path} was removed or replaced while it was open. Put the file back, or close the backend and connect "
        "again to use the one that is there now or make a new one"
    )


def _value(database: sqlite3.Connection, statement: str) -> Any:
    return database.execute(statement).fetchone()[0]
