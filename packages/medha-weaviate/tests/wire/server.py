"""The server itself: REST and gRPC, behind one port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc.aio
from aiohttp import web
from weaviate.proto.v1 import weaviate_pb2_grpc

from .calls import Servicer
from .front import Front
from .rest import application
from .store import Store

if TYPE_CHECKING:
    from .front import Place

_HOST: Final = "127.0.0.1"
_LARGEST: Final = 104_858_000


class WireServer(Front):
    """Serves while it is entered; a ``key`` is asked for where it is set."""

    def __init__(self, key: str | None = None) -> None:
        super().__init__()
        self.store = Store()
        self._key = key

    async def _open(self) -> tuple[Place, Place]:
        self._rest = web.AppRunner(application(self.store, self._key), shutdown_timeout=0)
        await self._rest.setup()
        await web.TCPSite(self._rest, _HOST, 0).start()
        sizes = [("grpc.max_receive_message_length", _LARGEST), ("grpc.max_send_message_length", _LARGEST)]
        self._grpc = grpc.aio.server(options=sizes)
        stubs: Any = weaviate_pb2_grpc
        stubs.add_WeaviateServicer_to_server(Servicer(self.store, self._key), self._grpc)
        port = self._grpc.add_insecure_port(f"{_HOST}:0")
        await self._grpc.start()
        return (_HOST, self._rest.addresses[0][1]), (_HOST, port)

    async def _end(self) -> None:
        await super()._end()
        await self._grpc.stop(None)
        await self._rest.cleanup()
