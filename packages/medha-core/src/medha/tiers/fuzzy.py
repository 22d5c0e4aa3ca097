"""The fuzzy tier: edit distance over the same candidates, for questions that read almost alike and embed apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.hits import hit_from
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from medha.lookup import Lookup
    from medha.models import CacheHit
    from medha.tiers.judging import Judge


class FuzzyTier:
    """Candidates that were not close enough for the semantic tier, by rapidfuzz's normalised indel similarity."""

    name = "fuzzy"

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The best accepted candidate with a ratio of ``score_threshold_fuzzy`` or more."""
        from rapidfuzz import fuzz

        settings = lookup.settings
        asked = lookup.asked.question.normalized.casefold()
        ratios = [
            (fuzz.ratio(asked, match.entry.normalized_question.casefold()), match)
            for match in await lookup.matches()
            if settings.score_threshold_fuzzy_prefilter <= match.similarity < settings.score_threshold_semantic
        ]
        close = sorted(
            ((ratio, match) for ratio, match in ratios if ratio >= settings.score_threshold_fuzzy),
            key=lambda pair: -pair[0],
        )
        if not close:
            best = f"the closest has {max(ratio for ratio, _ in ratios):.0f}" if ratios else "no candidate at all"
            lookup.reasons.append(f"no edit-distance ratio of {settings.score_threshold_fuzzy:g} or more ({best})")
            return None
        match = self._judge.first_accepted(self.name, lookup, [match for _, match in close])
        if match is None:
            return None
        ratio = next(ratio for ratio, other in close if other is match)
        return hit_from(
            match.entry,
            SearchStrategy.FUZZY_MATCH,
            confidence=ratio / 100,
            similarity=match.similarity,
            reason=f"edit-distance ratio {ratio:.0f}, accepted by every guard",
        )
