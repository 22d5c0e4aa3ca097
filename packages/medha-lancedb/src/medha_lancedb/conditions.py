"""The conditions of Medha as filters of Lance: they hold hashes and whole numbers, and no text of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.facts import facts, instant, place
from medha_lancedb.rows import FACTS, METADATA_FACTS, is_early

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.where import Where
    from medha_lancedb.arrow import Schema


class Conditions:
    """What is asked of one table; an early one has no column of its own for what is said of metadata."""

    def __init__(self, table: Schema) -> None:
        self._metadata = FACTS if is_early(table) else METADATA_FACTS

    def matching(self, where: Where | None, *, alive_at: float | None = None, after: str | None = None) -> str | None:
        """What fulfils the conditions, has not expired and comes after the place; ``None`` is everything."""
        parts: list[str] = [] if where is None else self._conditions(where)
        if alive_at is not None:
            parts.append(f"expires > {instant(alive_at)}")
        if after is not None:
            parts.append(f"place > {int(after)}")
        return " AND ".join(parts) or None

    def _conditions(self, where: Where) -> list[str]:
        parts = [] if where.ids is None else [with_ids(where.ids)]
        tokens = facts(
            normalized_question=where.normalized_question,
            query_hash=where.query_hash,
            template_id=where.template_id,
            metadata={},
        )
        parts += [f"array_has({FACTS}, '{token}')" for token in tokens]
        parts += [f"array_has({self._metadata}, '{token}')" for token in facts(metadata=where.metadata)]
        if where.expired_at is not None:
            parts.append(f"expires <= {instant(where.expired_at)}")
        return parts


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
