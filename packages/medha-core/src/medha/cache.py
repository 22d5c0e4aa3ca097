"""The facade: what an application uses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medha.facade.entries import Entries
from medha.facade.learning import LearningCalls
from medha.facade.lookups import Lookups
from medha.facade.removing import Removing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from medha.models import CacheHit
    from medha.stats import CacheStats
    from medha.templates import QueryTemplate


class Medha(Lookups, Entries, Removing, LearningCalls):
    """A semantic cache of one collection: asked a question, it serves the stored query, or a miss.

    ``embedder``, ``backend`` and ``l1_backend`` are instances, or names of installed plugins, which are configured by
    their own ``MEDHA_<PLUGIN>_`` variables; what was made by name is closed with the cache, an instance never is.
    ``listeners`` are functions of a ``Decision``, or names of plugins that have one; each is told of every lookup.
    ``extractors`` are instances under the names by which templates ask for them; an installed one needs none.
    ``clock`` gives seconds since the epoch. Use it as ``async with``, on one event loop.
    """

    async def count(self) -> int:
        """How many entries the collection holds, expired ones that were not removed yet included."""
        return await self._live.parts.storage.count()

    async def clear_caches(self) -> None:
        """Forget the L1 answers and the remembered embeddings; entries and statistics stay."""
        parts = self._live.parts
        parts.embeddings.clear()
        if parts.answers is not None:
            await parts.answers.clear()

    def stats(self) -> CacheStats:
        """What happened since the start or the last ``reset_stats``."""
        evidence = None if self._assembly is None else self._assembly.parts.evidence
        snapshot = self._stats.snapshot()
        return snapshot if evidence is None else replace(snapshot, terms=evidence.terms)

    def reset_stats(self) -> None:
        """Start counting anew."""
        self._stats.reset()

    # --- blocking calls, for code without an event loop; MedhaSync has them all

    def search_sync(self, question: str, *, filters: Mapping[str, Any] | None = None) -> CacheHit:
        """``search``, blocking; a cache that was never started is started on a thread of its own."""
        return self._blocker.run(lambda: self.search(question, filters=filters))

    def store_sync(self, question: str, generated_query: str, **options: Any) -> str:
        """``store``, blocking, with its options."""
        return self._blocker.run(lambda: self.store(question, generated_query, **options))

    def warm_from_file_sync(self, path: str | Path, **options: Any) -> int:
        """``warm_from_file``, blocking, with its options."""
        return self._blocker.run(lambda: self.warm_from_file(path, **options))

    def clear_caches_sync(self) -> None:
        """``clear_caches``, blocking."""
        self._blocker.run(self.clear_caches)

    def close_sync(self) -> None:
        """``close``, blocking; ends the thread that a blocking call may have started."""
        self._blocker.stop(self.close)

    @property
    def templates(self) -> list[QueryTemplate]:
        """The templates in use."""
        return list(self._live.parts.templates.templates)

    async def load_templates(self, templates: Iterable[QueryTemplate | Mapping[str, Any]]) -> int:
        """Use these templates instead of all former ones, from now on; returns how many there are.

        Raises:
            TemplateError: one of them is none; the former ones stay.
            PluginError, ExtractorError: an extractor that one of them asks cannot be had; the former ones stay.
        """
        from medha.templates.loading import check_templates

        live = self._live
        checked = await asyncio.to_thread(check_templates, templates, "the given templates")
        await live.parts.templates.load(checked)
        return len(checked)
