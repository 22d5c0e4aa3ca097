"""The connection to the server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from weaviate import WeaviateAsyncClient
from weaviate.auth import Auth
from weaviate.config import AdditionalConfig, Timeout
from weaviate.connect.base import ConnectionParams
from weaviate.embedded import EmbeddedOptions

from medha.errors import BackendTimeoutError, BackendUnavailableError
from medha.explaining import not_connected
from medha.writes import Writes
from medha_weaviate.errors import FAILURES, Doing, is_absent_class

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from medha_weaviate.settings import WeaviateSettings

T = TypeVar("T")

_IMPATIENT_AFTER: Final = 1.0
"""Seconds after which a call is watched: the driver repeats, for a minute, what finds no server."""
_NO_SUCH_CLASS: Final = "MedhaAsksWhetherGrpcAnswers"


class _WithoutObjects(logging.Filter):
    """Keeps the driver from logging whole objects, and somebody's question with them, when a batch fails."""

    def filter(self, record: logging.LogRecord) -> bool:
        message: Any = record.msg
        return not (isinstance(message, dict) and "errors" in message)


_KEEP_QUIET: Final = _WithoutObjects()


class Connection:
    """The driver's client while it is connected, and the writes that are under way through it."""

    def __init__(self, settings: WeaviateSettings) -> None:
        self.settings = settings
        self.writes = Writes()
        self._client: WeaviateAsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        """Make the client, and ask the server on both ways; harmless when that was done."""
        # one task makes it, for all that ask at once: a client is costly, and may be a whole server
        async with self._connecting:
            if self._client is None:
                doing = self.doing("connecting to")
                with doing.translated():
                    self._client = await self._made(doing)

    async def _made(self, doing: Doing) -> WeaviateAsyncClient:
        logging.getLogger("weaviate-client").addFilter(_KEEP_QUIET)
        # the embedded server is downloaded and started in here
        client = await asyncio.to_thread(make_client, self.settings)
        try:
            await self._within(client.connect(), doing)
            await self._patiently(client, _ask_over_grpc(client), doing)
        except BaseException:
            await client.close()
            raise
        return client

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections."""
        client, self._client = self._client, None
        # the next connection may be made on another event loop
        self._connecting = asyncio.Lock()
        if client is not None:
            try:
                await self.writes.over()
            finally:
                await client.close()

    @property
    def client(self) -> WeaviateAsyncClient:
        """The client. Ask for it anew for each call."""
        if self._client is None:
            raise not_connected("weaviate", self.settings.place)
        return self._client

    def doing(self, what: str, collection: str | None = None) -> Doing:
        """What errors say is being done."""
        return Doing(what, self.settings.place, collection)

    async def call(self, call: Coroutine[Any, Any, T], doing: Doing) -> T:
        """What the call to the driver returns, in time."""
        try:
            client = self.client
        except BackendUnavailableError:
            call.close()
            raise
        return await self._patiently(client, call, doing)

    async def _patiently(self, client: WeaviateAsyncClient, call: Coroutine[Any, Any, T], doing: Doing) -> T:
        """Give the call up as soon as the server is known to be gone."""
        task, server = asyncio.ensure_future(call), cast("Any", client)
        try:
            async with asyncio.timeout(self.settings.timeout):
                done, _ = await asyncio.wait({task}, timeout=_IMPATIENT_AFTER)
                while not done:
                    await server.get_meta()
                    done, _ = await asyncio.wait({task}, timeout=_IMPATIENT_AFTER)
        except TimeoutError as exc:
            raise self._late(doing) from exc
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return task.result()

    async def _within(self, call: Coroutine[Any, Any, T], doing: Doing) -> T:
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await call
        except TimeoutError as exc:
            raise self._late(doing) from exc

    def _late(self, doing: Doing) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"{doing}: no answer within {self.settings.timeout:g} seconds. See whether the server is overloaded, and "
            "whether MEDHA_WEAVIATE_GRPC_HOST and MEDHA_WEAVIATE_GRPC_PORT lead to its gRPC; or raise "
            "MEDHA_WEAVIATE_TIMEOUT"
        )


def make_client(settings: WeaviateSettings) -> WeaviateAsyncClient:
    """A client that asks nobody but the server: the driver's own checks ask a package index for its newest version."""
    timeout = settings.timeout
    chosen: dict[str, Any] = {
        "additional_config": AdditionalConfig(timeout=Timeout(init=timeout, query=timeout, insert=timeout)),
        "skip_init_checks": True,
    }
    if settings.api_key is not None:
        chosen["auth_client_secret"] = Auth.api_key(settings.api_key.get_secret_value())
    if settings.mode == "embedded":
        options: dict[str, Any] = {} if settings.embedded_version is None else {"version": settings.embedded_version}
        chosen["embedded_options"] = EmbeddedOptions(
            persistence_data_path=str(settings.path),
            port=settings.embedded_port,
            grpc_port=settings.embedded_grpc_port,
            **options,
        )
        return WeaviateAsyncClient(**chosen)
    (host, port), (grpc_host, grpc_port) = settings.rest_endpoint, settings.grpc_endpoint
    if settings.mode == "cloud" and settings.grpc_host is None:
        # where Weaviate Cloud has it
        grpc_host, grpc_port = f"grpc-{host}", settings.grpc_port or 443
    params = ConnectionParams.from_params(
        http_host=host,
        http_port=port,
        http_secure=settings.secure,
        grpc_host=grpc_host,
        grpc_port=grpc_port,
        grpc_secure=settings.secure,
    )
    return WeaviateAsyncClient(connection_params=params, **chosen)


async def _ask_over_grpc(client: WeaviateAsyncClient) -> None:
    try:
        await client.collections.use(_NO_SUCH_CLASS).aggregate.over_all()
    except FAILURES as exc:
        if not is_absent_class(exc):
            raise
