"""The conditions of Medha as filters of Lance: they hold hashes and whole numbers, and no text of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.facts import facts, instant, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.where import Where


def matching(where: Where | None, *, alive_at: float | None = None, after: str | None = None) -> str | None:
    """What fulfils the conditions, has not expired and comes after the place; ``None`` is everything."""
    parts: list[str] = [] if where is None else _conditions(where)
    if alive_at is not None:
        parts.append(f"expires > {instant(alive_at)}")
    if after is not None:
        parts.append(f"place > {int(after)}")
    return " AND ".join(parts) or None


def with_ids(ids: Iterable[str]) -> str:
    """One of these ids, by their places, which no two ids share."""
    return with_places(place(entry_id) for entry_id in ids)


def with_places(places: Iterable[int]) -> str:
    """At one of these places."""
    listed = ", ".join(map(str, sorted(set(places))))
    return f"place IN ({listed})" if listed else "false"


def without_ids(condition: str | None, ids: Iterable[str]) -> str | None:
    """The condition, and none of these ids."""
    ids = list(ids)
    if not ids:
        return condition
    others = f"NOT ({with_ids(ids)})"
    return others if condition is None else f"({condition}) AND {others}"


def _conditions(where: Where) -> list[str]:
    parts = [] if where.ids is None else [with_ids(where.ids)]
    tokens = facts(
        normalized_question=where.normalized_question,
        query_hash=where.query_hash,
        template_id=where.template_id,
        metadata=where.metadata,
    )
    parts += [f"array_has(facts, '{token}')" for token in tokens]
    if where.expired_at is not None:
        parts.append(f"expires <= {instant(where.expired_at)}")
    return parts
