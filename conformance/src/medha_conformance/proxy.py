"""A TCP proxy between a backend and its server, that fails when it is told to and counts what is asked."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from medha_conformance.addresses import at, socket_folder
from medha_conformance.exchanges import Exchanges

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

T = TypeVar("T")

_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 1 << 16
_DEFAULT_PORTS: Final = {"http": 80, "redis": 6379, "postgresql": 5432, "postgres": 5432}


class Cut(StrEnum):
    """Where a connection breaks."""

    REQUEST = "request"
    """Before the server gets what it is asked."""
    REPLY = "reply"
    """After the server has done it, before it can say so."""
    MIDWAY = "midway"
    """In the middle of the reply."""


class UnproxiedError(Exception):
    """No proxy can stand before this server; the message says why."""


class Proxy:
    """Forwards to the server at an address; ``url`` is the same address through the proxy.

    It runs on a thread and a loop of its own, so that a backend that blocks its loop is not mistaken for a server that
    does not answer. Its methods may be called from any thread and take effect before they return.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in _DEFAULT_PORTS:
            raise UnproxiedError(f"there is no way to break a connection of {parts.scheme}:// in the middle")
        self._folder = socket_folder(address)
        self._target = parts.hostname or _HOST, parts.port or _DEFAULT_PORTS[parts.scheme]
        self._place = _reserve(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="medha-proxy", daemon=True)
        self._listening = False
        self._serving: set[asyncio.Task[None]] = set()
        self._links: set[_Link] = set()
        self.port: int = self._place.getsockname()[1]
        self.url = at(address, _HOST, self.port)
        self.connections = 0
        """How many connections came, since the beginning."""
        self.exchanges = 0
        """How many requests were made, since the beginning: the round trips of a backend that does one at a time."""
        self.cut: Cut | None = None
        self.hold_from: int | None = None
        self.held: Future[None] = Future()
        self.flowing = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self.flowing.set()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        self.stop()
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._place.close()

    def start(self) -> None:
        """The server is there (again), at the same address."""
        self._run(self._listen())

    def stop(self) -> None:
        """The server is gone: its connections break, and new ones are refused."""
        self._run(self._refuse())

    def cut_next(self, where: Cut | None) -> None:
        """Break the next connection that gets so far; ``None`` takes it back."""
        self._call(lambda: setattr(self, "cut", where))

    def hold(self, nth: int = 1) -> Future[None]:
        """Hold back every reply from the nth request on, counted from now; done when the first one is held."""

        def hold() -> None:
            self.hold_from = self.exchanges + nth
            self.held = held
            self.flowing.clear()

        held: Future[None] = Future()
        self._call(hold)
        return held

    def release(self) -> None:
        """Let go what was held back, and hold nothing more."""

        def release() -> None:
            self.hold_from = None
            self.flowing.set()

        self._call(release)

    def mend(self) -> None:
        """Everything works again."""
        self.cut_next(None)
        self.release()
        self.start()

    def _call(self, change: Callable[[], None]) -> None:
        async def do() -> None:
            change()

        self._run(do())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        # asyncio's own server leaks a connection that comes in the moment it is closed
        if not self._listening:
            self._listening = True
            self._place.listen()
            self._loop.add_reader(self._place, self._accept)

    async def _refuse(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self._place)
            self._place.close()
            # bound but not listening: the port stays ours, and connections to it are refused
            self._place = _reserve(self.port)
        for link in list(self._links):
            link.abort()

    async def _end(self) -> None:
        while self._serving:
            await asyncio.wait(self._serving)
        # a transport that was aborted lets go of its socket in the next turn
        await asyncio.sleep(0)

    def _accept(self) -> None:
        try:
            connection, _ = self._place.accept()
        except BlockingIOError:
            return
        connection.setblocking(False)
        self.connections += 1
        task = self._loop.create_task(self._serve(connection))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, connection: socket.socket) -> None:
        backend = await asyncio.open_connection(sock=connection)
        try:
            link = _Link(self, backend, await self._reach())
        except OSError:
            backend[1].transport.abort()
            return
        self._links.add(link)
        try:
            # it may have been stopped meanwhile
            if self._listening:
                await link.run()
        finally:
            self._links.discard(link)
            link.abort()

    async def _reach(self) -> _Streams:
        if self._folder is None:
            return await asyncio.open_connection(*self._target)
        return await asyncio.open_unix_connection(str(Path(self._folder, f".s.PGSQL.{self._target[1]}")))


class _Link:
    """One connection of the backend, with the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, backend: _Streams, server: _Streams) -> None:
        self._proxy = proxy
        self._requests, self._to_backend = backend
        self._replies, self._to_server = server
        self._exchanges = Exchanges()

    async def run(self) -> None:
        pumps = [asyncio.ensure_future(self._forward()), asyncio.ensure_future(self._answer())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def abort(self) -> None:
        self._to_backend.transport.abort()
        self._to_server.transport.abort()

    async def _forward(self) -> None:
        while chunk := await self._requests.read(_CHUNK):
            self._proxy.exchanges += self._exchanges.asked(chunk)
            if self._cut(Cut.REQUEST):
                return
            self._to_server.write(chunk)
            await self._to_server.drain()

    async def _answer(self) -> None:
        while chunk := await self._replies.read(_CHUNK):
            self._exchanges.answered()
            proxy = self._proxy
            if proxy.hold_from is not None and proxy.exchanges >= proxy.hold_from:
                if not proxy.held.done():
                    proxy.held.set_result(None)
                await proxy.flowing.wait()
            if self._cut(Cut.REPLY):
                return
            if self._cut(Cut.MIDWAY):
                self._to_backend.write(chunk[: len(chunk) // 2])
                await self._to_backend.drain()
                return
            self._to_backend.write(chunk)
            await self._to_backend.drain()

    def _cut(self, where: Cut) -> bool:
        if self._proxy.cut is not where:
            return False
        self._proxy.cut = None
        return True


def _reserve(port: int) -> socket.socket:
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.setblocking(False)
    place.bind((_HOST, port))
    return place
