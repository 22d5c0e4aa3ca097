"""The driver's client, made from the settings."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, cast

from elastic_transport import AiohttpHttpNode
from elasticsearch import AsyncElasticsearch

if TYPE_CHECKING:
    from medha_elastic.settings import ElasticsearchSettings

_LARGE: Final = 2**20


class _LargeBody(io.BytesIO):
    """A body that goes out in pieces, with the event loop free in between."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._bytes = len(body)

    def decode(self, *_: object) -> str:
        """What the driver's debug log says of it."""
        return f"({self._bytes} bytes)"


class Node(AiohttpHttpNode):
    """The driver's node, which hands large bodies over as aiohttp wants them (and warns when they are plain bytes)."""

    # a node of the driver returns an awaitable where its base class returns a response
    async def perform_request(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, method: str, target: str, body: bytes | None = None, **options: Any
    ) -> Any:
        """Send one request."""
        if body is not None and len(body) > _LARGE:
            body = cast("bytes", _LargeBody(body))
        return await super().perform_request(method, target, body, **options)


def make_client(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    """A client that repeats nothing by itself: a repeated count or deletion would tell something else."""
    chosen: dict[str, Any] = {"hosts": [settings.url]} if settings.cloud_id is None else {"cloud_id": settings.cloud_id}
    if settings.api_key is not None:
        chosen["api_key"] = settings.api_key.get_secret_value()
    elif settings.username and settings.password is not None:
        chosen["basic_auth"] = (settings.username, settings.password.get_secret_value())
    if settings.ca_certs is not None:
        chosen["ca_certs"] = str(settings.ca_certs)
    if settings.ssl_fingerprint is not None:
        chosen["ssl_assert_fingerprint"] = settings.ssl_fingerprint
    if not settings.verify_certs:
        chosen |= {"verify_certs": False, "ssl_show_warn": False}
    return AsyncElasticsearch(
        **chosen,
        node_class=Node,
        connections_per_node=settings.connections,
        request_timeout=settings.request_timeout,
        max_retries=0,
    )
