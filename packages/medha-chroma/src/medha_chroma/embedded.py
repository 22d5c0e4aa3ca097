"""Chroma's engine in this process, with or without files."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import portalocker
from chromadb.api.models.Collection import Collection
from chromadb.api.rust import RustBindingsAPI
from chromadb.config import System

from medha.errors import BackendError
from medha_chroma.connection import driver_settings, not_connected
from medha_chroma.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from medha_chroma.settings import ChromaSettings


class EmbeddedConnection:
    """The engine in this process, on a thread of its own: each call runs whole, or not at all."""

    def __init__(self, settings: ChromaSettings) -> None:
        self._settings = settings
        self._system: System | None = None
        self._api: Any = None
        self._lock: IO[Any] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medha-chroma")

    async def open(self) -> None:
        """Open the folder, and lock it."""
        await self._in_thread("opening", "", self._open, writing=False)

    async def close(self) -> None:
        """Close the folder after all work that was handed in before."""
        closed = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        # closing is not undone by a caller that stops waiting for it
        await asyncio.shield(asyncio.wrap_future(closed))

    async def manage(self, doing: str, collection: str, method: str, *, writing: bool = False, **values: Any) -> Any:
        """After the calls that came before."""
        place = {"tenant": self._settings.tenant, "database": self._settings.database}
        return await self._in_thread(
            doing, collection, lambda: getattr(self._opened, method)(**values, **place), writing=writing
        )

    async def ask(
        self, doing: str, collection: str, model: Any, method: str, *, writing: bool = False, **values: Any
    ) -> Any:
        """After the calls that came before."""

        def work() -> Any:
            target = Collection(client=self._opened, model=model, embedding_function=None)
            return getattr(target, method)(**values)

        return await self._in_thread(doing, collection, work, writing=writing)

    async def _in_thread(self, doing: str, collection: str, work: Callable[[], Any], *, writing: bool) -> Any:
        def explaining() -> Any:
            try:
                return work()
            except BackendError:
                raise
            except BaseException as exc:
                # the engine is not written in Python: when it panics, that is no Exception
                if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
                    raise
                place = self._settings.place
                raise explain(exc, doing=doing, place=place, collection=collection, writing=writing) from exc

        return await asyncio.get_running_loop().run_in_executor(self._thread, explaining)

    @property
    def _opened(self) -> Any:
        if self._api is None:
            raise not_connected(self._settings.place)
        return self._api

    def _open(self) -> None:
        if self._api is not None:
            return
        values: dict[str, Any] = {"is_persistent": False}
        if self._settings.mode == "path":
            folder = cast("Any", self._settings.path).expanduser().absolute()
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / ".medha.lock")
            values = {"is_persistent": True, "persist_directory": str(folder)}
        try:
            # not chromadb.Client: it would give two backends in memory the same collections
            system = System(driver_settings(self._settings, **values))
            api = system.instance(RustBindingsAPI)
            system.start()
            api.get_database(self._settings.database, self._settings.tenant)
        except BaseException:
            self._unlock()
            raise
        self._system, self._api = system, api

    def _close(self) -> None:
        system, self._system, self._api = self._system, None, None
        if system is not None:
            system.stop()
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            portalocker.unlock(lock)
            lock.close()


def _locked(path: Any) -> IO[Any]:
    """The open file, which nobody else has locked: two engines would overwrite each other's index."""
    lock = path.open("a")
    try:
        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except BaseException:
        lock.close()
        raise
    return lock
