"""One port for REST and gRPC, told apart by how a connection begins; so that one proxy can break both."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

Place: TypeAlias = tuple[str, int]

_HOST: Final = "127.0.0.1"
_HTTP2: Final = b"PRI"


class Front:
    """Listens while it is entered, on a thread and a loop of its own; ``url`` is where."""

    def __init__(self, rest: Place | None = None, grpc: Place | None = None) -> None:
        self.url = ""
        self._places = {False: rest, True: grpc}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="weaviate-front", daemon=True)
        self._serving: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> tuple[Place, Place]:
        """What stands behind: where REST and gRPC are."""
        rest, grpc = self._places[False], self._places[True]
        assert rest is not None
        assert grpc is not None
        return rest, grpc

    async def _listen(self) -> None:
        self._places[False], self._places[True] = await self._open()
        self._server = await asyncio.start_server(self._serve, _HOST, 0)
        self.url = f"http://{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def _end(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        # what was aborted lets go of its socket in the next turn
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            first = await reader.readexactly(len(_HTTP2))
            place = self._places[first == _HTTP2]
            assert place is not None
            back = await asyncio.open_connection(*place)
            back[1].write(first)
            pumps = [asyncio.ensure_future(_pump(reader, back[1])), asyncio.ensure_future(_pump(back[0], writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                back[1].transport.abort()
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
