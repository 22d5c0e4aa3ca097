"""The exact tier: the entry of this very question, by its deterministic id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.hits import hit_from
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from medha.lookup import Lookup
    from medha.models import CacheHit


class ExactTier:
    """One ``get`` by id: no embedding, no search."""

    name = "exact"

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The query of the same normalised question in the same scope."""
        entry = await lookup.exact_entry()
        if entry is None:
            if not lookup.reasons:
                lookup.reasons.append("no entry for this very question in this scope")
            return None
        return hit_from(
            entry,
            SearchStrategy.EXACT_MATCH,
            confidence=1.0,
            reason="the same question, after normalising, in the same scope",
        )
