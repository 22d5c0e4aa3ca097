"""The connection to the service."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline.policies import AsyncHTTPPolicy
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient

from medha.errors import BackendUnavailableError
from medha.explaining import not_connected
from medha.writes import Writes
from medha_azure_search.documents import encoded
from medha_azure_search.errors import Doing

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline import PipelineRequest

    from medha_azure_search.settings import AzureSearchSettings


_INLINE_BYTES: Final = 20_000
"""A body that is rewritten in less than a millisecond; a larger one is in a thread."""
_WRITES: Final = "/docs/search.index"
_REPEATABLE: Final = frozenset({"GET", "POST", "DELETE"})
"""Also what is posted: searches, and writes that say what shall be there."""


class _Requests(AsyncHTTPPolicy[Any, Any]):
    """Lets throttled requests be repeated, and writes the documents that are stored into their request.

    The driver writes all of them in one call of C, a number at a time, for a tenth of a second or more in which nothing
    else runs, and a character that is not ASCII as six bytes or twelve, all of which the service counts.
    """

    async def send(self, request: PipelineRequest[Any]) -> Any:
        """Pass the request on."""
        request.context.options["retry_on_methods"] = _REPEATABLE
        body: Any = request.http_request.content
        if isinstance(body, str | bytes) and urlsplit(str(request.http_request.url)).path.endswith(_WRITES):
            written = _written(body) if len(body) <= _INLINE_BYTES else await asyncio.to_thread(_written, body)
            # aiohttp warns of large bodies that are plain bytes
            request.http_request.set_streamed_data_body(io.BytesIO(written))
            request.http_request.headers["Content-Length"] = str(len(written))
        return await self.next.send(request)


def _written(body: str | bytes) -> bytes:
    # at each call the interpreter can pass to another thread
    return b'{"value":[%b]}' % b",".join([encoded(action) for action in json.loads(body)["value"]])


class Service:
    """The driver's clients while it is connected, and the writes that are under way through them."""

    def __init__(self, settings: AzureSearchSettings, credential: AsyncTokenCredential | None) -> None:
        self.settings = settings
        self.writes = Writes()
        # a best effort to be served by the same replica each time: it has seen what this backend wrote
        self.session = f"medha-{uuid.uuid4().hex}"
        self._credential = credential
        self._indexes: SearchIndexClient | None = None
        self._documents: dict[str, SearchClient] = {}

    async def connect(self) -> None:
        """Make the client, and ask the service; harmless when that was done."""
        if self._indexes is not None:
            return
        doing = self.doing("connecting to")
        with doing.translated():
            client = SearchIndexClient(**self._chosen())
            try:
                await client.get_service_statistics()
                # of several tasks that connect at once, one client stays
                if self._indexes is None:
                    self._indexes, client = client, None
            finally:
                if client is not None:
                    await client.close()

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections; a credential that was given stays open."""
        indexes, self._indexes = self._indexes, None
        documents, self._documents = self._documents, {}
        try:
            if indexes is not None:
                await self.writes.over()
        finally:
            for client in [*documents.values(), *([] if indexes is None else [indexes])]:
                await client.close()

    @property
    def indexes(self) -> SearchIndexClient:
        """The client for whole indexes. Ask for it anew for each call."""
        return self._need_connection()

    def documents(self, index: str) -> SearchClient:
        """The client for the documents of an index. Ask for it anew for each call."""
        self._need_connection()
        if index not in self._documents:
            self._documents[index] = SearchClient(index_name=index, **self._chosen())
        return self._documents[index]

    async def forget(self, index: str) -> None:
        """Close what was opened for an index that is gone."""
        client = self._documents.pop(index, None)
        if client is not None:
            await client.close()

    def doing(self, what: str, collection: str | None = None) -> Doing:
        """What errors say is being done."""
        return Doing(what, self.settings.url, collection)

    def _need_connection(self) -> SearchIndexClient:
        if self._indexes is None:
            raise not_connected("azure-search", self.settings.url)
        return self._indexes

    def _chosen(self) -> dict[str, Any]:
        settings = self.settings
        if settings.api_key is not None:
            credential: Any = AzureKeyCredential(settings.api_key.get_secret_value())
        elif self._credential is not None:
            credential = self._credential
        else:
            raise BackendUnavailableError(
                f"there is no way into Azure AI Search at {settings.url}. Set MEDHA_AZURE_SEARCH_API_KEY, or give "
                "AzureSearchBackend a token credential: credential=azure.identity.aio.DefaultAzureCredential()"
            )
        chosen: dict[str, Any] = {
            "endpoint": settings.url,
            "credential": credential,
            "connection_timeout": settings.request_timeout,
            "read_timeout": settings.request_timeout,
            "retry_total": settings.retries,
            # what nobody answers is said at once; what is throttled is repeated
            "retry_connect": 0,
            "retry_read": 0,
            "retry_backoff_factor": 0.2,
            "per_call_policies": [_Requests()],
        }
        if settings.audience is not None:
            chosen["audience"] = settings.audience
        if settings.api_version is not None:
            chosen["api_version"] = settings.api_version
        return chosen
