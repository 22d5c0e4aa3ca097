"""The learned tier: a stored query with the values of this question, by what the entries themselves teach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from medha.guards.timely import until_midnight, untimely
from medha.hits import hit_from
from medha.identity import query_hash, scope_key
from medha.learned.knowledge import Learned
from medha.models import BindingTrace, Match, SearchStrategy

if TYPE_CHECKING:
    from medha.learning import Learning
    from medha.lookup import Lookup
    from medha.models import CacheEntry, CacheHit
    from medha.tiers.judging import Judge

_ATTEMPTS: Final = 3
_CONFIDENCE: Final = 0.95


class LearnedTier:
    """Needs no embedding. The entry that an answer rests on is read again before it is served."""

    name = "learned"

    def __init__(self, learning: Learning, judge: Judge) -> None:
        self._learning = learning
        self._judge = judge

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The one query that what was learnt gives for this question."""
        for _ in range(_ATTEMPTS):
            found = self._learning.answer(lookup.asked.question.normalized, scope_key(lookup.filters))
            if isinstance(found, Learned) and found.unchanged:
                lookup.last_resort = self._unchanged
                lookup.reasons.append("no value differs from those of the same wording, so that similarity is asked")
                return None
            if isinstance(found, str):
                lookup.reasons.append(f"nothing learnt answers it: {found}")
                return None
            entry = await self._entry(lookup, found)
            if entry is not None:
                if lookup.recorder is not None:
                    lookup.recorder.bindings += _bindings(found)
                stale = untimely(entry, lookup.now, lookup.filters)
                if stale is not None:
                    lookup.reasons.append(f"the learned answer is not served: {stale}")
                    return None
                return _hit(until_midnight(entry, lookup.filters), found)
            # another process removed or replaced it, or its time is over
            self._learning.forget([found.entry_id])
        lookup.reasons.append(f"the entry behind the learned answer was gone {_ATTEMPTS} times")
        return None

    async def _unchanged(self, lookup: Lookup) -> CacheHit | None:
        """The entry in other words that was too far for similarity, or whose likeness could not be measured."""
        found = self._learning.answer(lookup.asked.question.normalized, scope_key(lookup.filters))
        entry = await self._entry(lookup, found) if isinstance(found, Learned) and found.unchanged else None
        if entry is None or isinstance(found, str):
            return None
        objection = self._judge.objection(lookup, Match(entry, 0.0))
        if objection is not None:
            lookup.reasons.append(f"{entry.question!r} {objection}")
            return None
        return _hit(until_midnight(entry, lookup.filters), found)

    async def _entry(self, lookup: Lookup, found: Learned) -> CacheEntry | None:
        """The entry as it is now, if it still teaches the same."""
        fetched = [match.entry for match in lookup.fetched if match.entry.id == found.entry_id]
        entries = fetched or await lookup.storage.get([found.entry_id])
        if not entries or entries[0].expired(lookup.now):
            return None
        return entries[0] if entries[0].query_hash == found.query_hash else None


def _bindings(found: Learned) -> list[BindingTrace]:
    """What the question's words are bound to."""
    return [
        BindingTrace(f"slot {number}", " and ".join(slot.columns) or None, value, f"learnt, {found.how}")
        for number, (slot, value) in enumerate(zip(found.shape.slots, found.binding.values, strict=True))
    ]


def _hit(entry: CacheEntry, found: Learned) -> CacheHit:
    hit = hit_from(
        entry,
        SearchStrategy.LEARNED_TEMPLATE,
        confidence=_CONFIDENCE,
        reason=f"the query of '{entry.question}', asked {found.how}",
    )
    same = query_hash(found.binding.query) == entry.query_hash
    return replace(
        hit,
        generated_query=found.binding.query,
        # what was said of the entry's rows is not true of others
        response_summary=hit.response_summary if same else None,
        parameters=found.parameters,
    )
