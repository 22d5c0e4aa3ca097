"""The server itself, on a thread and a loop of its own."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote

from aiohttp import web

from .refusing import RefusedError, check_index, check_query, only
from .store import Index

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

_HOST: Final = "127.0.0.1"
_LARGEST: Final = 16 * 2**20
_OF_AN_INDEX: Final = re.compile(r"/indexes\('(?P<name>[^']+)'\)(?P<rest>.*)")


class WireServer:
    """Serves while it is entered; ``api_key`` is asked for where it is set."""

    def __init__(self, api_key: str | None = None) -> None:
        self.indexes: dict[str, Index] = {}
        self.url = ""
        self.requests = 0
        self.throttling: list[tuple[int, dict[str, str]]] = []
        """Statuses and headers of answers that are given first, one after the other."""
        self._key = api_key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="azure-wire", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        application = web.Application(client_max_size=_LARGEST)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        self.url = f"http://{_HOST}:{self._runner.addresses[0][1]}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.throttling:
            status, headers = self.throttling.pop(0)
            return _error(status, "You are sending too many requests.", headers)
        if not request.headers.get("api-key") or self._key not in {None, request.headers["api-key"]}:
            return _error(403, "Access denied due to invalid key.")
        try:
            check_query(request.query)
            body: Any = await request.json() if request.body_exists and request.method in {"POST", "PUT"} else None
            return self._handle(request.method, unquote(request.path), body)
        except RefusedError as exc:
            return _error(exc.status, str(exc))

    def _handle(self, method: str, path: str, body: Any) -> web.Response:
        if (method, path) == ("GET", "/servicestats"):
            return web.json_response(_STATISTICS)
        if (method, path) == ("POST", "/indexes"):
            check_index(body)
            if body["name"] in self.indexes:
                raise RefusedError(f"Cannot create index '{body['name']}' because it already exists.", 409)
            self.indexes[body["name"]] = Index(body)
            return web.json_response(body, status=201)
        match = _OF_AN_INDEX.fullmatch(path)
        if match is None or match["name"] not in self.indexes:
            raise RefusedError(
                f"No index with the name '{match and match['name']}' was found in the service 'wire'.", 404
            )
        index = self.indexes[match["name"]]
        if (method, match["rest"]) == ("GET", ""):
            return web.json_response(index.body)
        if (method, match["rest"]) == ("DELETE", ""):
            del self.indexes[match["name"]]
            return web.Response(status=204)
        if (method, match["rest"]) == ("POST", "/docs/search.post.search"):
            return web.json_response(index.search(body))
        if (method, match["rest"]) == ("POST", "/docs/search.index"):
            only(body, {"value"}, "batch")
            status, results = index.change(body["value"])
            return web.json_response({"value": results}, status=status)
        raise RefusedError(f"This server does not know {method} {path}.", 405)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": "", "message": message}}, status=status, headers=headers)


def _counter() -> dict[str, int]:
    return {"usage": 0, "quota": 50}


_STATISTICS: Final = {
    "counters": {
        name: _counter()
        for name in (
            "documentCount", "indexesCount", "indexersCount", "dataSourcesCount", "storageSize", "synonymMaps",
            "skillsetCount", "vectorIndexSize", "aliasesCount",
        )
    },
    "limits": {"maxFieldsPerIndex": 1000},
}  # fmt: skip
