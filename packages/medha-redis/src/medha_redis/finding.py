"""A search, from the question put to the engine to the matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medha.models import Match
from medha_redis import scripts
from medha_redis.calls import existing
from medha_redis.schema import to_entry

if TYPE_CHECKING:
    from medha.models import CacheEntry, Vector
    from medha.where import Where
    from medha_redis.connection import Command
    from medha_redis.engine import Engine, Nearest


class Search(NamedTuple):
    """What is asked of ``search``."""

    vector: Vector
    limit: int
    min_similarity: float
    where: Where
    now: float


async def find(
    engine: Engine, collection: str, entry_id: str | None, search: Search
) -> tuple[CacheEntry | None, list[Match]]:
    """The search, and the entry where one is asked for, sent and read at once."""
    doing = f"searching {collection!r}"
    by_id = search.where.ids is not None
    commands = [engine.calls.script(collection, scripts.GET, 0, entry_id)] if entry_id is not None else []
    if by_id:
        commands.append(engine.calls.script(collection, scripts.GET, 1, *set(search.where.ids or ())))
    else:
        commands.append(_nearest(engine, collection, search))
    *one, answer = await engine.calls.connection.ask_all(doing, commands, collection=collection)
    entry = next(iter(await engine.calls.entries(doing, existing(collection, one[0]))), None) if one else None
    existing(collection, answer)
    if by_id:
        chosen = await engine.calls.entries(doing, answer, with_vectors=True)
        return entry, _closest(chosen, search)
    nearest = engine.read_nearest(answer)
    matches = await _matches(engine, doing, nearest, search)
    if nearest.found >= search.limit and _candidates(nearest, search) > len(matches):
        # what has expired took places; it is asked to be left out only now, since that takes longer
        again = _nearest(engine, collection, search, alive_at=search.now)
        answer = await engine.calls.connection.ask(doing, *again, collection=collection)
        matches = await _matches(engine, doing, engine.read_nearest(answer), search)
    return entry, matches


def _nearest(engine: Engine, collection: str, search: Search, alive_at: float | None = None) -> Command:
    return engine.nearest(collection, search.vector, limit=search.limit, where=search.where, alive_at=alive_at)


async def _matches(engine: Engine, doing: str, nearest: Nearest, search: Search) -> list[Match]:
    def convert() -> list[Match]:
        found = [
            Match(to_entry(*row), similarity) for similarity, row in nearest.rows if similarity >= search.min_similarity
        ]
        return [match for match in found if not match.entry.expired(search.now)]

    return await engine.calls.converted(doing, len(nearest.rows), convert)


def _candidates(nearest: Nearest, search: Search) -> int:
    """How many of what was found would be matches, had none of them expired."""
    gone = nearest.found - len(nearest.rows)
    return gone + sum(similarity >= search.min_similarity for similarity, _ in nearest.rows)


def _closest(entries: list[CacheEntry], search: Search) -> list[Match]:
    """The search among a few entries, here."""
    chosen = [entry for entry in entries if search.where.matches(entry) and not entry.expired(search.now)]
    if not chosen:
        return []
    vectors = np.stack([entry.vector for entry in chosen if entry.vector is not None])
    similarities = np.clip(vectors @ search.vector, -1.0, 1.0).tolist()
    ranked = sorted(zip(similarities, chosen, strict=True), key=lambda pair: -pair[0])[: search.limit]
    found = [Match(entry.with_vector(None), similarity) for similarity, entry in ranked]
    return [match for match in found if match.similarity >= search.min_similarity]
