"""Every call of a backend that works on a collection, to be made under bad conditions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from medha import Where
from medha_conformance.corpus import NOW, axis, make_id
from medha_conformance.suite.reading import closest

if TYPE_CHECKING:
    from medha import CacheEntry, VectorStorageBackend

Call: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


def every_call(backend: VectorStorageBackend, collection: str, entries: Sequence[CacheEntry]) -> dict[str, Call]:
    """Each method by its name, called so that a collection of these entries is the same afterwards."""
    absent = make_id("absent")
    return {
        "get": lambda: backend.get(collection, [entry.id for entry in entries]),
        "search": lambda: closest(backend, collection),
        "get_and_search": lambda: backend.get_and_search(
            collection, entries[0].id, axis(0), limit=3, min_similarity=-1.0, where=Where(), now=NOW
        ),
        "scroll": lambda: backend.scroll(collection, with_vectors=True),
        "count": lambda: backend.count(collection, where=Where(query_hash=entries[0].query_hash)),
        "upsert": lambda: backend.upsert(collection, entries),
        "delete": lambda: backend.delete(collection, where=Where(ids=[absent])),
        "add_feedback": lambda: backend.add_feedback(collection, absent, correct=1),
    }
