"""The server itself: one port for REST and gRPC, on a thread and a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

import grpc.aio
from aiohttp import web
from weaviate.proto.v1 import weaviate_pb2_grpc

from .calls import Servicer
from .rest import application
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

_HOST: Final = "127.0.0.1"
_HTTP2: Final = b"PRI"
_LARGEST: Final = 104_858_000


class WireServer:
    """Serves while it is entered; ``url`` is for REST, and gRPC answers at the same port."""

    def __init__(self, key: str | None = None) -> None:
        self.store = Store()
        self.url = ""
        self._key = key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="weaviate-wire", daemon=True)
        self._pumps: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        """Of both ways."""
        return int(self.url.rpartition(":")[2])

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        self._rest = web.AppRunner(application(self.store, self._key), shutdown_timeout=0)
        await self._rest.setup()
        await web.TCPSite(self._rest, _HOST, 0).start()
        sizes = [("grpc.max_receive_message_length", _LARGEST), ("grpc.max_send_message_length", _LARGEST)]
        self._grpc = grpc.aio.server(options=sizes)
        stubs: Any = weaviate_pb2_grpc
        stubs.add_WeaviateServicer_to_server(Servicer(self.store, self._key), self._grpc)
        self._ports = self._rest.addresses[0][1], self._grpc.add_insecure_port(f"{_HOST}:0")
        await self._grpc.start()
        self._front = await asyncio.start_server(self._serve, _HOST, 0)
        self.url = f"http://{_HOST}:{self._front.sockets[0].getsockname()[1]}"

    async def _stop(self) -> None:
        self._front.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._grpc.stop(None)
        await self._rest.cleanup()
        # what was aborted lets go of its socket in the next turn
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            first = await reader.readexactly(len(_HTTP2))
            back = await asyncio.open_connection(_HOST, self._ports[first == _HTTP2])
            back[1].write(first)
            try:
                await asyncio.wait(
                    [
                        asyncio.ensure_future(_pump(reader, back[1])),
                        asyncio.ensure_future(_pump(back[0], writer)),
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                back[1].transport.abort()
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
