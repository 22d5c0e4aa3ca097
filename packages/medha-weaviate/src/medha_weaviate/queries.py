"""Conditions, as filters of Weaviate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from weaviate.classes.query import Filter

from medha.rows import tokens_asked
from medha.tallies import ENTRY, TALLY
from medha_weaviate.objects import object_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.where import Where

MOST: Final = 10_000
"""``QUERY_MAXIMUM_RESULTS``: no request returns or deletes more."""

_NOTHING: Final = "nothing"


def entries_where(where: Where | None) -> Any:
    """Entries that fulfil the conditions."""
    filters = [is_part(ENTRY)]
    if where is None:
        return filters[0]
    if tokens := tokens_asked(where):
        filters.append(Filter.by_property("tokens").contains_all(list(dict.fromkeys(tokens))))
    if where.ids is not None:
        filters.append(of_owners(map(object_id, where.ids)))
    if where.expired_at is not None:
        filters.append(Filter.by_property("lasts_until").less_or_equal(where.expired_at))
    return Filter.all_of(filters)


def living_where(where: Where, now: float) -> Any:
    """Entries that fulfil the conditions and have not expired."""
    return Filter.all_of([entries_where(where), Filter.by_property("lasts_until").greater_than(now)])


def after_owner(condition: Any, owner: str) -> Any:
    """What fulfils the condition and comes later in the order of owners."""
    return Filter.all_of([condition, Filter.by_property("owner").greater_than(owner)])


def of_owners(owners: Iterable[str]) -> Any:
    """The entries with these keys and their tallies."""
    # an empty list is refused by the server, and must match nothing
    return Filter.by_property("owner").contains_any(list(dict.fromkeys(owners)) or [_NOTHING])


def tallies_of(owners: Iterable[str]) -> Any:
    """The tallies of these entries."""
    return Filter.all_of([is_part(TALLY), of_owners(owners)])


def is_part(part: str) -> Any:
    """Entries, or tallies."""
    return Filter.by_property("part").equal(part)


def similarity(distance: float | None) -> float:
    """The raw cosine in a distance, which Weaviate gives as ``1 - cosine``."""
    if distance is None:
        raise ValueError("Weaviate gave a match without its distance")
    return min(1.0, max(-1.0, 1.0 - distance))
