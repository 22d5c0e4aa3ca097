"""Calls about one collection, and the reading of what they answer; both engines share them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from medha.errors import CollectionNotFoundError
from medha.memory import not_found_message
from medha.models import CacheEntry, Page
from medha.rows import UnreadableRowError
from medha_redis import removal_scripts, scripts
from medha_redis.schema import Names, names_of, to_entry, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medha.where import Where
    from medha_redis.connection import Command, Connection

T = TypeVar("T")

_INLINE: Final = 50
"""Up to so many entries are converted in the event loop, which takes less than a millisecond."""


class Calls:
    """Runs the scripts on the keys of a collection; nil means that there is no such collection."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self.connection = connection
        self._prefix = prefix

    def names(self, collection: str) -> Names:
        """The keys of the collection."""
        return names_of(self._prefix, collection)

    def script(self, collection: str, script: str, *arguments: Any) -> Command:
        """The command that runs the script."""
        names = self.names(collection)
        return ("EVAL", script, *names.keys, names.entries, names.index, *arguments)

    async def run(self, doing: str, collection: str, script: str, *arguments: Any) -> Any:
        """What the script returns."""
        command = self.script(collection, script, *arguments)
        return existing(collection, await self.connection.ask(doing, *command, collection=collection))

    async def read(self, collection: str, ids: Sequence[str], *, with_vectors: bool = False) -> list[CacheEntry]:
        """The entries with these ids that are there."""
        doing = f"getting {len(ids)} entries of {collection!r}"
        answer = await self.run(doing, collection, scripts.GET, int(with_vectors), *ids)
        return await self.entries(doing, answer, with_vectors=with_vectors)

    async def entries(self, doing: str, answer: Any, *, with_vectors: bool = False) -> list[CacheEntry]:
        """The entries in an answer of ``scripts.GET``."""
        dimension, rows = answer

        def convert() -> list[CacheEntry]:
            return [to_entry(key.decode(), *row, dimension=dimension if with_vectors else None) for key, *row in rows]

        return await self.converted(doing, len(rows), convert)

    async def page(
        self, collection: str, where: Where | None, *, limit: int, cursor: str | None, with_vectors: bool
    ) -> Page:
        """A page in the order in which their ids first came, of what matches all but the ids in ``where``."""
        doing, more = f"reading {collection!r}", "vector" if with_vectors else "entry"
        arguments = (cursor or 0, limit + 1, more, *_condition(where))
        dimension, rows, reached = await self.run(doing, collection, scripts.PAGE, *arguments)

        def convert() -> list[CacheEntry]:
            return [
                to_entry(key.decode(), entry, correct, incorrect, vector, dimension=dimension if with_vectors else None)
                for key, entry, correct, incorrect, vector, _ in rows[:limit]
            ]

        entries = await self.converted(doing, len(rows), convert)
        if len(rows) > limit:
            reached = rows[limit - 1][5]
        return Page(entries, None if reached is None else reached.decode())

    async def remove(self, collection: str, where: Where, ids: Sequence[str]) -> int:
        """Remove those of the ids whose entries, as they are by then, match all else in ``where``."""
        removed = 0
        for start in range(0, len(ids), removal_scripts.REMOVED_AT_ONCE):
            arguments = (*_condition(where), *ids[start : start + removal_scripts.REMOVED_AT_ONCE])
            removed += await self.run(f"deleting from {collection!r}", collection, removal_scripts.REMOVE, *arguments)
        return removed

    async def converted(self, doing: str, count: int, convert: Callable[[], T]) -> T:
        """What ``convert`` makes of so many rows; many are converted in a thread."""
        try:
            return convert() if count <= _INLINE else await asyncio.to_thread(convert)
        except (UnreadableRowError, UnicodeEncodeError) as exc:
            raise self.connection.explained(exc, doing) from exc


def _condition(where: Where | None) -> tuple[Any, ...]:
    """The condition as the scripts take it."""
    if where is None:
        return "", 0
    asked = tokens(where)
    return "" if where.expired_at is None else repr(float(where.expired_at)), len(asked), *asked


def existing(collection: str, answer: Any) -> Any:
    """The answer of a script, unless it says that there is no such collection."""
    if answer is None:
        raise CollectionNotFoundError(not_found_message(collection))
    return answer
