"""Pages of an engine that cannot sort, and whose own pages move when entries are removed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from medha_chroma.queries import LAST_PLACE, PLACE, matching

if TYPE_CHECKING:
    from medha.where import Where
    from medha_chroma.records import Record
    from medha_chroma.target import Target

_WIDEN: Final = 4
"""How many times as wide the next range is after one with few entries."""


async def page_of(
    target: Target, where: Where | None, limit: int, cursor: str | None, *, with_vectors: bool
) -> tuple[list[Record], str | None]:
    """The first records after the cursor, and the next cursor.

    Places are spread evenly, so that the range which holds a page can be foretold; it is read whole and sorted here.
    """
    doing = "reading"
    after = -1 if cursor is None else int(cursor)
    width = _width(await target.read(doing, "count"), limit)
    found: list[Record] = []
    while len(found) <= limit and after < LAST_PLACE:
        until = min(after + width, LAST_PLACE)
        condition = matching(where, after=after, until=until)
        records = await target.get(doing, condition, with_vectors=with_vectors)
        found += sorted(records, key=_place)
        if len(records) * 2 < limit:
            width *= _WIDEN
        after = until
    page = found[:limit]
    return page, str(_place(page[-1])) if len(found) > limit else None


def _width(total: int, limit: int) -> int:
    """Of a range that holds a little more than a page of a collection of so many entries."""
    if total <= limit:
        return LAST_PLACE + 1
    return LAST_PLACE // total * math.ceil(limit + 3 * math.sqrt(limit) + 3)


def _place(record: Record) -> Any:
    return record.fields[PLACE]
