"""What a started ``Medha`` is made of; the working parts share it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from medha.answers import Answers
    from medha.embedding import Embeddings
    from medha.evidence import EvidenceBook
    from medha.learning import Learning
    from medha.listening import Listeners
    from medha.removals import Removals
    from medha.settings import Settings
    from medha.stats import StatsRecorder
    from medha.storage import Storage
    from medha.tiers.template import TemplateTier
    from medha.waterfall import Waterfall

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Parts:
    """The collaborators, wired once at start."""

    settings: Settings
    clock: Callable[[], float]
    storage: Storage
    embeddings: Embeddings
    answers: Answers | None
    removals: Removals
    stats: StatsRecorder
    waterfall: Waterfall
    templates: TemplateTier
    learning: Learning | None
    listeners: Listeners
    evidence: EvidenceBook | None = None
    opened: set[str] = field(default_factory=set[str])
    _unfinished: set[asyncio.Task[Any]] = field(default_factory=set["asyncio.Task[Any]"])

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Run steps that belong together; when the caller is cancelled they are still carried out whole."""
        task = asyncio.ensure_future(work)
        self._unfinished.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait for what a cancelled caller left running."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled():
            task.exception()
