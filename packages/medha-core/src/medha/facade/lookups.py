"""Asking."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, overload

from medha.facade.life import Life
from medha.models import UNSET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from medha.generating import Generate
    from medha.models import CacheHit, Decision, Unset

    TTL = float | Unset | None


class Lookups(Life):
    """Lookups, and answers generated on a miss."""

    async def search(self, question: str, *, filters: Mapping[str, Any] | None = None) -> CacheHit:
        """The stored query for the question, within the scope that ``filters`` names; a miss is a false ``CacheHit``.

        Raises:
            InvalidInputError: the question or the filters are refused.
            BackendError, EmbedderError: unless ``on_backend_error`` is "miss".
        """
        return await self._live.searcher.search(question, filters)

    async def search_batch(
        self, questions: Sequence[str], *, filters: Mapping[str, Any] | None = None
    ) -> list[CacheHit]:
        """The hits or misses for many questions, in order; all that need an embedding share one call."""
        return await self._live.searcher.search_batch(questions, filters)

    async def explain(self, question: str, *, filters: Mapping[str, Any] | None = None) -> Decision:
        """How ``search`` would decide, tier by tier; nothing is served, counted or changed."""
        return await self._live.searcher.explain(question, filters)

    async def get_or_generate(
        self,
        question: str,
        generate: Generate,
        *,
        ttl: TTL = UNSET,
        filters: Mapping[str, Any] | None = None,
    ) -> CacheHit:
        """The stored query; on a miss the one that ``generate(question)`` makes, stored in the scope of ``filters``.

        However many tasks ask at the same moment, ``generate`` runs once; when it fails, its caller gets the exception
        and the next in line tries. A generated answer has the strategy GENERATED and is not a hit.
        """
        return await self._live.generator.get_or_generate(question, generate, ttl=ttl, filters=filters)

    @overload
    def cached(self, function: Generate, /) -> Callable[[str], Awaitable[str]]: ...
    @overload
    def cached(
        self, /, *, ttl: TTL = UNSET, filters: Mapping[str, Any] | None = None
    ) -> Callable[[Generate], Callable[[str], Awaitable[str]]]: ...
    def cached(
        self, function: Generate | None = None, /, *, ttl: TTL = UNSET, filters: Mapping[str, Any] | None = None
    ) -> Any:
        """Decorate a function from question to query, so that it runs only on a miss."""

        def decorate(generate: Generate) -> Callable[[str], Awaitable[str]]:
            @functools.wraps(generate)
            async def answer(question: str) -> str:
                hit = await self.get_or_generate(question, generate, ttl=ttl, filters=filters)
                return hit.generated_query or ""

            return answer

        return decorate if function is None else decorate(function)
