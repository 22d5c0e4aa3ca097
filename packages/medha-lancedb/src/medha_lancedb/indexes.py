"""The indexes that a table gets as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lancedb.index import BTree, IvfFlat, LabelList

from medha_lancedb.rows import FACTS, METADATA_FACTS, VECTOR, is_early

if TYPE_CHECKING:
    from medha_lancedb.arrow import Schema
    from medha_lancedb.settings import LanceSettings

METRIC: Final = "cosine"
_SMALL_ONES_FROM: Final = 1000
"""Rows. Of fewer all are looked at as fast."""


class Indexes:
    """Which columns of a table have an index."""

    def __init__(self, table: Any, schema: Schema, settings: LanceSettings) -> None:
        self._table = table
        self._early = is_early(schema)
        self._settings = settings
        self._known: set[str] = set()

    async def make(self, count: int) -> None:
        """Make what a table of so many rows should have and has not."""
        wanted: dict[str, Any] = {}
        if count >= _SMALL_ONES_FROM:
            wanted["place"] = BTree()
            if not self._early:
                wanted[METADATA_FACTS] = LabelList()
        if count >= self._settings.index_from and not self._settings.exact:
            # the distances of a flat index are true cosines; those of the others are of compressed vectors
            wanted[VECTOR] = IvfFlat(distance_type=METRIC)
            if self._early:
                wanted[FACTS] = LabelList()
        if wanted.keys() <= self._known:
            return
        self._known = {column for index in await self._table.list_indices() for column in index.columns}
        for column in wanted.keys() - self._known:
            await self._table.create_index(column, config=wanted[column])
            self._known.add(column)
