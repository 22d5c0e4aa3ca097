"""Invalidating, expiring, and learning from feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha.facade.life import Life

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.invalidation import DedupStrategy
    from medha.models import FeedbackResult


class Removing(Life):
    """What is removed here is never served again."""

    async def invalidate(self, question: str, *, filters: Mapping[str, Any] | None = None) -> int:
        """Remove the entries of this question, in every scope or in those that fit ``filters``; returns how many."""
        return await self._live.remover.invalidate(question, filters)

    async def invalidate_by_query_hash(self, query_hash: str) -> int:
        """Remove the entries with this query (see ``medha.query_hash``); returns how many."""
        return await self._live.remover.by_query_hash(query_hash)

    async def invalidate_by_template(self, template_id: str) -> int:
        """Remove the entries made from this template; returns how many."""
        return await self._live.remover.by_template(template_id)

    async def invalidate_collection(self, collection_name: str | None = None) -> int:
        """Remove every entry of the collection, by default the own one; returns how many."""
        return await self._live.remover.collection(collection_name)

    async def expire(self, collection_name: str | None = None) -> int:
        """Remove what has expired, by default in every collection this cache has opened; returns how many."""
        return await self._live.remover.expire(collection_name)

    async def dedup_collection(
        self, collection_name: str | None = None, *, strategy: DedupStrategy = "keep_latest"
    ) -> int:
        """Keep one entry for each question and scope, never touching a paraphrase; returns how many were removed."""
        return await self._live.remover.dedup(strategy, collection_name)

    async def feedback(
        self,
        question: str,
        correct: bool,
        *,
        entry_id: str | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> FeedbackResult:
        """Count whether the answer was right, on ``entry_id`` or on the entry that answers the question now.

        After ``feedback_incorrect_threshold`` times "incorrect" the entry is removed.
        """
        return await self._live.remover.feedback(question, correct, entry_id, filters)
