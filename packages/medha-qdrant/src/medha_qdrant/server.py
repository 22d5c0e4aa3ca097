"""Calls to a server, over gRPC or REST."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from qdrant_client import AsyncQdrantClient

from medha.errors import BackendError, BackendUnavailableError
from medha.writes import WritesByCollection
from medha_qdrant.errors import explain, status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from medha_qdrant.settings import QdrantSettings

T = TypeVar("T")

_GRPC_OPTIONS = {
    # a new client tries at once, instead of sharing the pause that an earlier one makes after a failure
    "grpc.use_local_subchannel_pool": 1,
}


class _Link:
    """A client, and the calls that are under way on it."""

    def __init__(self, settings: QdrantSettings) -> None:
        rest, grpc_port = settings.ports
        key = settings.api_key
        self.client = AsyncQdrantClient(
            url=settings.url,
            port=rest,
            grpc_port=grpc_port,
            prefer_grpc=settings.prefer_grpc,
            # as api_key, the driver would warn of each private server that has no TLS
            headers={} if key is None else {"api-key": key.get_secret_value()},
            timeout=settings.timeout,
            grpc_options=dict(_GRPC_OPTIONS),
            check_compatibility=False,
        )
        self.closed = False
        self._calls: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def idle(self) -> bool:
        return not self._calls

    async def run(self, call: Callable[[AsyncQdrantClient], Awaitable[T]]) -> T:
        """What the call returns; ``_ClosedError`` when the link was closed meanwhile."""
        task = asyncio.current_task()
        if self.closed or task is None:
            raise _ClosedError
        self._calls.add(task)
        self._idle.clear()
        try:
            return await call(self.client)
        except asyncio.CancelledError:
            # close cancels what is under way, once; a caller may have cancelled it as well
            if self.closed and not task.uncancel():
                raise _ClosedError from None
            raise
        finally:
            self._calls.discard(task)
            if self.idle:
                self._idle.set()

    async def close(self) -> None:
        """Break off what is under way, and close the client; the driver would leave sockets open."""
        if not self.closed:
            self.closed = True
            for task in self._calls:
                task.cancel()
            await self._idle.wait()
            await self.client.close()


class _ClosedError(Exception):
    """The link was closed while the call was under way, or before."""


class ServerConnection:
    """Calls to a server, from one event loop.

    A write whose caller is cancelled goes on; calls on its collection wait until it has ended, so that
    none sees a part of it, and none is overtaken by it.
    """

    def __init__(self, settings: QdrantSettings) -> None:
        self._settings = settings
        self._link = _Link(settings)
        self._writes = WritesByCollection()

    async def open(self) -> None:
        """Ask the server who it is."""
        await self._attempt("connecting", "", lambda client: client.info(), writing=False)

    async def close(self) -> None:
        """Stop waiting for abandoned writes, and close the client."""
        await self._writes.break_off()
        await self._link.close()

    async def run(
        self,
        doing: str,
        collection: str,
        call: Callable[[AsyncQdrantClient], Awaitable[T]],
        *,
        writing: bool = False,
    ) -> T:
        """One request, or several in a row."""
        await self._writes.settled(collection)
        attempt = self._attempt(doing, collection, call, writing=writing)
        return await (self._writes.to_the_end(collection, asyncio.create_task(attempt)) if writing else attempt)

    async def _attempt(
        self, doing: str, collection: str, call: Callable[[AsyncQdrantClient], Awaitable[T]], *, writing: bool
    ) -> T:
        link = self._link
        try:
            return await link.run(call)
        except BackendError:
            raise
        except _ClosedError as exc:
            raise BackendUnavailableError(
                f"{doing} on {self._settings.place}: the backend was closed meanwhile"
            ) from exc
        except Exception as exc:
            if status_of(exc) == "UNAVAILABLE" and link is self._link and not link.closed:
                # gRPC would refuse to try again for a second and more, though the server may be back
                self._link = _Link(self._settings)
            raise explain(exc, doing=doing, place=self._settings.place, collection=collection, writing=writing) from exc
        finally:
            if link is not self._link and link.idle:
                await link.close()
