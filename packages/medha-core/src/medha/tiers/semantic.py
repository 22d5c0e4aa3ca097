"""The semantic tier: the closest candidate by cosine that every guard accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.hits import hit_from
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from medha.lookup import Lookup
    from medha.models import CacheHit
    from medha.tiers.judging import Judge


class SemanticTier:
    """Similarity proposes, the guards decide; from ``score_threshold_exact`` on the match is called exact."""

    name = "semantic"

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The first accepted candidate at or above ``score_threshold_semantic``."""
        settings = lookup.settings
        matches = await lookup.matches()
        threshold = lookup.semantic_threshold
        close = [match for match in matches if match.similarity >= threshold]
        if not close:
            best = f"the closest has {matches[0].similarity:.3f}" if matches else "no candidate at all"
            lookup.reasons.append(f"no candidate has similarity {threshold:g} or more ({best})")
            return None
        match = self._judge.first_accepted(self.name, lookup, close)
        if match is None:
            return None
        exact = match.similarity >= settings.score_threshold_exact
        strategy = SearchStrategy.EXACT_MATCH if exact else SearchStrategy.SEMANTIC_MATCH
        return hit_from(
            match.entry,
            strategy,
            confidence=match.similarity,
            similarity=match.similarity,
            reason=f"similarity {match.similarity:.3f}, accepted by every guard",
        )
