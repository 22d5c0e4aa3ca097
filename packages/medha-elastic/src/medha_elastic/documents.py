"""Requests that carry many entries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from elastic_transport import ApiError, TransportError

from medha.errors import BackendError, BackendWriteError
from medha_elastic.rows import UNREAD_WITH_VECTORS, delete_line, in_requests, store_line, to_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medha.models import CacheEntry
    from medha_elastic.cluster import Cluster
    from medha_elastic.errors import Doing

_INLINE_ENTRIES: Final = 10
"""More than these are encoded in a thread, with the event loop free meanwhile."""

_FULL: Final = "es_rejected_execution_exception"
"""Elasticsearch holds a tenth of its heap in bulk requests, and refuses the next one whole."""
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, *[1.6] * 16)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents behind an alias."""

    cluster: Cluster
    alias: str
    doing: Doing

    async def read(self, ids: Sequence[str], unread: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there, without what is not to be read of them."""
        answer = await self.cluster.client.mget(index=self.alias, ids=list(ids), source_excludes=list(unread))
        for document in answer["docs"]:
            if "error" in document:
                self.doing.refuse(document["error"])
        return [to_entry(document) for document in answer["docs"] if document["found"]]

    async def store(self, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one request; a batch that is too large for one, in several that are undone together."""
        if len(entries) > _INLINE_ENTRIES:
            bodies = await asyncio.to_thread(self._in_requests, map(store_line, entries))
        else:
            bodies = self._in_requests(map(store_line, entries))
        if len(bodies) == 1:
            await self.cluster.writes.to_the_end(lambda: self._send(bodies))
        else:
            await self.cluster.writes.to_the_end(lambda: self._store_in_parts(entries, bodies))

    async def remove(self, ids: Iterable[str]) -> int:
        """Remove the entries with these ids; returns how many there were."""
        return await self._send(self._in_requests(delete_line(entry_id) for entry_id in dict.fromkeys(ids)))

    def _in_requests(self, lines: Iterable[bytes]) -> list[bytes]:
        most = self.cluster.settings.max_request_bytes
        bodies = in_requests(lines, most)
        longest = max(map(len, bodies), default=0)
        if longest > most:
            raise BackendWriteError(
                f"{self.doing}: an entry is {longest} bytes long, more than the {most} of "
                "MEDHA_ELASTICSEARCH_MAX_REQUEST_BYTES; nothing was stored. Shorten its texts, or raise the limit here "
                "and, if need be, http.max_content_length on the server"
            )
        return bodies

    async def _send(self, bodies: Sequence[bytes]) -> int:
        """Send the bodies, and show all of it with the last; returns how many entries were removed."""
        deleted = 0
        for body in bodies:
            for outcome in await self._patiently(body, refresh=body is bodies[-1]):
                if "error" in outcome:
                    self.doing.refuse(outcome["error"])
                deleted += outcome["result"] == "deleted"
        return deleted

    async def _patiently(self, body: bytes, *, refresh: bool) -> list[dict[str, Any]]:
        """What came of each line that failed or removed something; a server that is full is asked again."""
        for pause in _PAUSES:
            try:
                outcomes = await self._once(body, refresh=refresh)
            except ApiError as exc:
                if exc.message != _FULL:
                    raise
            else:
                if all(outcome.get("error", {}).get("type") != _FULL for outcome in outcomes):
                    return outcomes
            await asyncio.sleep(pause)
        return await self._once(body, refresh=refresh)

    async def _once(self, body: bytes, *, refresh: bool) -> list[dict[str, Any]]:
        # the driver passes bytes on as they are; its signature does not say so
        ready: Any = body
        answer = await self.cluster.client.bulk(
            index=self.alias,
            operations=ready,
            refresh=refresh,
            require_alias=True,
            filter_path=["errors", "items.*.error", "items.delete.result"],
        )
        return [outcome for item in answer.get("items", ()) for outcome in item.values()]

    async def _store_in_parts(self, entries: Sequence[CacheEntry], bodies: Sequence[bytes]) -> None:
        """Store a batch in several requests; when one of them fails, what was there before is put back."""
        ids = [entry.id for entry in entries]
        former = await self.read(ids, UNREAD_WITH_VECTORS)
        try:
            await self._send(bodies)
        except (BackendError, ApiError, TransportError) as failed:
            was_there = {entry.id for entry in former}
            lines = [*map(store_line, former), *(delete_line(key) for key in ids if key not in was_there)]
            try:
                await self._send(self._in_requests(lines))
            except (BackendError, ApiError, TransportError) as exc:
                raise BackendWriteError(
                    f"{self.doing}: a part of the batch may be stored, for after a failure ({failed}) it could not be "
                    f"taken back either ({exc}). Store the batch again"
                ) from exc
            raise
