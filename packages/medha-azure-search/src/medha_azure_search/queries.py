"""Conditions, as filters in OData."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha.rows import tokens_asked
from medha.tallies import ENTRY, TALLY
from medha_azure_search.documents import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.where import Where

MOST: Final = 1000
"""The most documents that the service returns, or takes, in one request."""


def literal(text: str) -> str:
    """The text as OData writes it: in single quotes, those within it doubled."""
    return "'" + text.replace("'", "''") + "'"


def among(field: str, values: Iterable[str]) -> str:
    """Whether the field has one of the values, none of which holds a comma; without values, nothing has."""
    return f"search.in({field}, {literal(','.join(values) or ',')}, ',')"


def entries_where(where: Where | None) -> str:
    """Entries that fulfil the conditions, but for those on their ids."""
    parts = [is_part(ENTRY)]
    if where is not None:
        parts += [f"tokens/any(t: t eq {literal(token)})" for token in dict.fromkeys(tokens_asked(where))]
        if where.expired_at is not None:
            parts.append(f"expires_at le {where.expired_at!r}")
    return every(*parts)


def living(now: float) -> str:
    """What has not expired."""
    return f"(expires_at eq null or expires_at gt {now!r})"


def tallies_of(owners: Iterable[str]) -> str:
    """The tallies of these entries."""
    return every(is_part(TALLY), among("owner", owners))


def is_part(part: str) -> str:
    """Entries, or tallies."""
    return f"part eq {literal(part)}"


def after(key: str) -> str:
    """What comes later in the order of keys."""
    return f"key gt {literal(key)}"


def every(*conditions: str) -> str:
    """All of the conditions."""
    return " and ".join(conditions)


def keys_asked(where: Where | None) -> list[str] | None:
    """The keys that the conditions name, if they name any."""
    return None if where is None or where.ids is None else sorted({key_of(entry_id) for entry_id in where.ids})


def similarity(score: float) -> float:
    """The raw cosine in a score, which the service gives as ``1 / (1 + distance)``; the distance is ``1 - cosine``."""
    return min(1.0, max(-1.0, 2.0 - 1.0 / score))
