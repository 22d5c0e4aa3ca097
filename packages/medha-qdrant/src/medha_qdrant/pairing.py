"""Which entries this process is writing while it searches.

Qdrant compares the vectors first and reads the payloads of what it found a moment later. Of an entry that is replaced
in between, it would report the old vector's similarity with the new query.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

T = TypeVar("T")


class Writes:
    """The writes under way, and the searches that must know of them; used on one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[str, list[Collection[str]]] = {}
        self._watching: dict[str, list[list[Collection[str]]]] = {}

    @contextmanager
    def writing(self, collection: str, ids: Collection[str]) -> Generator[None]:
        """The entries with these ids are written meanwhile."""
        self._under_way.setdefault(collection, []).append(ids)
        for seen in self._watching.get(collection, ()):
            seen.append(ids)
        try:
            yield
        finally:
            _remove(self._under_way, collection, ids)

    @contextmanager
    def watching(self, collection: str) -> Generator[list[Collection[str]]]:
        """Collects the ids of every write that is under way at any moment meanwhile."""
        seen = list(self._under_way.get(collection, ()))
        self._watching.setdefault(collection, []).append(seen)
        try:
            yield seen
        finally:
            _remove(self._watching, collection, seen)


def _remove(lists: dict[str, list[T]], collection: str, item: T) -> None:
    left = [other for other in lists[collection] if other is not item]
    if left:
        lists[collection] = left
    else:
        del lists[collection]
