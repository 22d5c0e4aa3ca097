"""Calls to a server, through the driver's async client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

import orjson
from chromadb.api.async_fastapi import AsyncFastAPI
from chromadb.api.base_http_client import BaseHTTPClient
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.config import System
from overrides import override  # pyright: ignore[reportUnknownVariableType]

from medha.errors import BackendError, BackendUnavailableError
from medha.writes import WritesByCollection
from medha_chroma.connection import driver_settings, not_connected
from medha_chroma.errors import AnswerError, explain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from medha_chroma.settings import ChromaSettings

_LARGE: Final = 50_000
"""Bytes of JSON that are read on a thread."""


class _Api(AsyncFastAPI):
    """The driver's API with connections of its own."""

    def __init__(self, system: System) -> None:
        # those of the driver are shared by all clients of the process, and so would be the first one's token
        self._clients: dict[int, httpx.AsyncClient] = {}
        super().__init__(system)

    @override  # the driver insists on this very decorator
    async def _make_request(self, method: str, path: str, **kwargs: Any) -> Any:
        """The driver's, but for an answer that is not Chroma's, of which it would drop the status."""
        if "json" in kwargs:
            body = kwargs.pop("json")
            many = len(cast("dict[str, Any]", body).get("ids") or ()) > _FEW
            kwargs["content"] = await asyncio.to_thread(_dumped, body) if many else _dumped(body)
        answer = await self._get_client().request(method, self._api_url + quote(path, safe="/"), **kwargs)
        if answer.is_error:
            _raise(answer)
        content = answer.content
        return await asyncio.to_thread(orjson.loads, content) if len(content) > _LARGE else orjson.loads(content)


_FEW: Final = 16
"""Entries that are turned into JSON on the event loop; more are on a thread."""


def _dumped(body: Any) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def _raise(answer: httpx.Response) -> None:
    from chromadb.errors import ChromaError

    try:
        cast("Any", BaseHTTPClient)._raise_chroma_error(answer)  # noqa: SLF001
    except ChromaError:
        raise
    except Exception as exc:
        raise AnswerError(answer.status_code, answer.text) from exc


class ServerConnection:
    """Calls from one event loop.

    A write whose caller is cancelled goes on; calls on its collection wait until it has ended, so that
    none sees a part of it, and none is overtaken by it.
    """

    def __init__(self, settings: ChromaSettings) -> None:
        self._settings = settings
        self._api: _Api | None = None
        self._writes = WritesByCollection()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Ask the server for the database."""
        if self._api is None:
            chosen = driver_settings(
                self._settings,
                chroma_api_impl="chromadb.api.async_fastapi.AsyncFastAPI",
                chroma_server_host=self._settings.place,
                # the address has it
                chroma_server_http_port=0,
            )
            system = System(chosen)
            self._api = system.instance(_Api)
        database: dict[str, Any] = {"name": self._settings.database, "tenant": self._settings.tenant}
        await self._attempt("connecting", "", lambda api: api.get_database(**database), writing=False)

    async def close(self) -> None:
        """Break off what is under way, and close the connections."""
        api, self._api = self._api, None
        calls = [*self._under_way]
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if api is not None:
            # the driver's way to close its connections
            await api.__aexit__(None, None, None)

    async def manage(self, doing: str, collection: str, method: str, *, writing: bool = False, **values: Any) -> Any:
        """One request."""
        place = {"tenant": self._settings.tenant, "database": self._settings.database}
        return await self._run(doing, collection, lambda api: getattr(api, method)(**values, **place), writing=writing)

    async def ask(
        self, doing: str, collection: str, model: Any, method: str, *, writing: bool = False, **values: Any
    ) -> Any:
        """One request."""

        def call(api: _Api) -> Awaitable[Any]:
            return getattr(AsyncCollection(client=api, model=model, embedding_function=None), method)(**values)

        return await self._run(doing, collection, call, writing=writing)

    async def _run(self, doing: str, collection: str, call: Callable[[_Api], Awaitable[Any]], *, writing: bool) -> Any:
        await self._writes.settled(collection)
        task = asyncio.create_task(self._attempt(doing, collection, call, writing=writing))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await (self._writes.to_the_end(collection, task) if writing else task)
        except asyncio.CancelledError as exc:
            if self._api is None and task.done():
                raise self._closed(doing) from exc
            raise

    async def _attempt(
        self, doing: str, collection: str, call: Callable[[_Api], Awaitable[Any]], *, writing: bool
    ) -> Any:
        api = self._api
        if api is None:
            raise not_connected(self._settings.place)
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await call(api)
        except BackendError:
            raise
        except Exception as exc:
            place = self._settings.place
            raise explain(exc, doing=doing, place=place, collection=collection, writing=writing) from exc

    def _closed(self, doing: str) -> BackendUnavailableError:
        return BackendUnavailableError(f"{doing} on {self._settings.place}: the backend was closed meanwhile")
