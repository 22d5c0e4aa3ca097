"""The driver's own engine in this process, with or without files."""

from __future__ import annotations

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from qdrant_client import AsyncQdrantClient

from medha.errors import BackendError
from medha_qdrant.connection import not_connected
from medha_qdrant.errors import explain
from medha_qdrant.schema import engine_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Generator
    from pathlib import Path

    from medha_qdrant.settings import QdrantSettings

T = TypeVar("T")


class EmbeddedConnection:
    """The engine in this process, on a thread of its own: each call runs whole, or not at all."""

    def __init__(self, settings: QdrantSettings) -> None:
        self._settings = settings
        self._client: AsyncQdrantClient | None = None
        self._runner: asyncio.Runner | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medha-qdrant")

    async def open(self) -> None:
        """Read the collections in the folder, and lock it."""
        await self._in_thread("opening", "", self._open, writing=False)

    async def close(self) -> None:
        """Close the folder after all work that was handed in before."""
        closed = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        # closing is not undone by a caller that stops waiting for it
        await asyncio.shield(asyncio.wrap_future(closed))

    async def run(
        self,
        doing: str,
        collection: str,
        call: Callable[[AsyncQdrantClient], Awaitable[T]],
        *,
        writing: bool = False,
    ) -> T:
        """The call, after those that came before."""

        async def calling(client: AsyncQdrantClient) -> T:
            return await call(client)

        def work() -> T:
            if self._client is None or self._runner is None:
                raise not_connected(self._settings.place)
            if not writing:
                return self._runner.run(calling(self._client))
            try:
                with _one_transaction(self._client, engine_name(self._settings.prefix, collection)):
                    return self._runner.run(calling(self._client))
            except _UndoneError as exc:
                # what is in memory was not undone: read the files again
                self._close()
                self._open()
                raise exc.why from exc

        return await self._in_thread(doing, collection, work, writing=writing)

    async def _in_thread(self, doing: str, collection: str, work: Callable[[], T], *, writing: bool) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except BackendError:
            raise
        except Exception as exc:
            raise explain(exc, doing=doing, place=self._settings.place, collection=collection, writing=writing) from exc

    def _open(self) -> None:
        if self._client is not None:
            return
        # the README says how many; where warnings are errors, this one would come after the entries were stored
        warnings.filterwarnings("ignore", "Local mode is not recommended for collections", UserWarning)
        if self._settings.path is None or self._settings.mode == "memory":
            self._client = AsyncQdrantClient(":memory:")
        else:
            _refuse_a_locked_folder(self._settings.path)
            self._client = AsyncQdrantClient(path=str(self._settings.path))
        self._runner = asyncio.Runner()

    def _close(self) -> None:
        client, runner = self._client, self._runner
        self._client = self._runner = None
        if client is not None and runner is not None:
            runner.run(client.close())
            runner.close()


class _UndoneError(Exception):
    """A write failed after it had begun, and is undone in the file."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


class _Uncommitted:
    """A collection's file whose commits wait."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def commit(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@contextmanager
def _one_transaction(client: AsyncQdrantClient, name: str) -> Generator[None]:
    """Makes one transaction of what is written meanwhile; the driver makes one of each point, with no way to ask."""
    collections: dict[str, Any] = cast("Any", client)._client.collections  # noqa: SLF001
    file = None if name not in collections else collections[name].storage
    if file is None:
        yield
        return
    database: sqlite3.Connection = file.storage
    file.storage, changes = _Uncommitted(database), database.total_changes
    try:
        yield
        if name in collections:
            database.commit()
    except Exception as exc:
        if database.total_changes == changes:
            raise
        database.rollback()
        raise _UndoneError(exc) from exc
    finally:
        file.storage = database


def _refuse_a_locked_folder(folder: Path) -> None:
    """Raise what the driver would, which first opens every collection of the folder and then leaves them open."""
    import portalocker

    lock = folder / ".lock"
    if lock.exists():
        with lock.open("r+") as file:
            try:
                portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
            except portalocker.LockException as exc:
                raise RuntimeError(f"Storage folder {folder} is already accessed") from exc
            portalocker.unlock(file)
