"""The connection to the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendUnavailableError
from medha.explaining import not_connected
from medha.writes import Writes
from medha_elastic.client import make_client
from medha_elastic.errors import Doing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticsearch import AsyncElasticsearch

    from medha_elastic.settings import ElasticsearchSettings

_OLDEST: Final = (8, 12)


class Cluster:
    """The driver's client while it is connected, and the writes that are under way through it."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self.settings = settings
        self.writes = Writes()
        self._client: AsyncElasticsearch | None = None

    async def connect(self) -> None:
        """Make the client, and ask the server who it is; harmless when that was done."""
        if self._client is not None:
            return
        doing = self.doing("connecting to")
        with doing.translated():
            client = make_client(self.settings)
            try:
                info = await client.info()
                _refuse_an_old_server(info["version"], doing)
                # of several tasks that connect at once, one client stays
                if self._client is None:
                    self._client, client = client, None
            finally:
                if client is not None:
                    await client.close()

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await self.writes.over()
            finally:
                await client.close()

    @property
    def client(self) -> AsyncElasticsearch:
        """The client. Ask for it anew for each request: the driver opens what was closed again."""
        if self._client is None:
            raise not_connected("elasticsearch", self.settings.address)
        return self._client

    def doing(self, what: str, collection: str | None = None) -> Doing:
        """What errors say is being done."""
        return Doing(what, self.settings.address, collection)


def _refuse_an_old_server(version: Mapping[str, Any], doing: Doing) -> None:
    number = tuple(int(part) for part in version["number"].split(".")[:2])
    if number < _OLDEST:
        raise BackendUnavailableError(f"{doing}: the server is version {version['number']}; medha-elastic needs 8.12")
