"""Reading a collection page by page."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from elastic_transport import ApiError, TransportError
from elasticsearch import NotFoundError

from medha.errors import BackendError
from medha.models import Page
from medha_elastic.queries import MOST_MATCHES
from medha_elastic.rows import to_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_elastic.cluster import Cluster

_KEEP_ALIVE: Final = "5m"


@dataclass(frozen=True, slots=True)
class Scrolling:
    """What is read, in which portions.

    A cursor holds the id of the last entry, and the point in time from which the scroll reads. Only a second page
    opens one; where it has run out, the next page opens another, and the order of the ids keeps the place.
    """

    alias: str
    query: dict[str, Any]
    limit: int
    unread: Sequence[str]

    async def page(self, cluster: Cluster, cursor: str | None) -> Page:
        """The page after the cursor."""
        after, moment = _read_cursor(cursor)
        # one more than asked for, to know whether this is the last page
        limit = min(self.limit, MOST_MATCHES - 1)
        search: dict[str, Any] = {
            "query": self.query,
            "sort": [{"id": "asc"}],
            "size": limit + 1,
            "track_total_hits": False,
            "_source": {"excludes": self.unread},
        }
        if after is None:
            found = await cluster.client.search(index=self.alias, body=search)
        else:
            found, moment = await self._at_one_moment(cluster, search | {"search_after": [after]}, moment)
        hits = found["hits"]["hits"]
        entries = [to_entry(hit) for hit in hits[:limit]]
        if len(hits) > limit:
            return Page(entries, json.dumps([entries[-1].id, moment]))
        if moment is not None:
            # what could not be closed runs out by itself
            with contextlib.suppress(ApiError, TransportError):
                await cluster.client.close_point_in_time(id=moment)
        return Page(entries, None)

    async def _at_one_moment(self, cluster: Cluster, search: dict[str, Any], moment: str | None) -> tuple[Any, str]:
        if moment is not None:
            try:
                found = await cluster.client.search(body=search | {"pit": {"id": moment, "keep_alive": _KEEP_ALIVE}})
            except NotFoundError:
                moment = None
            else:
                return found, found["pit_id"]
        opened = await cluster.client.open_point_in_time(index=self.alias, keep_alive=_KEEP_ALIVE)
        found = await cluster.client.search(body=search | {"pit": {"id": opened["id"], "keep_alive": _KEEP_ALIVE}})
        return found, found["pit_id"]


def _read_cursor(cursor: str | None) -> tuple[str | None, str | None]:
    if cursor is None:
        return None, None
    try:
        after, moment = json.loads(cursor)
    except (TypeError, ValueError) as exc:
        raise BackendError(f"{cursor!r:.60} is no cursor that a scroll of this backend gave out") from exc
    return after, moment
