"""How a cache comes to life and ends."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medha.blocking import Blocker
from medha.errors import LifecycleError
from medha.invalidation import check_collection
from medha.settings import Settings
from medha.stats import StatsRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from medha.assembly import Assembly
    from medha.backend import VectorStorageBackend
    from medha.embedder import BaseEmbedder
    from medha.extractor import Extractor
    from medha.guard import Guard, Reviewer
    from medha.l1 import L1CacheBackend
    from medha.listening import Listener
    from medha.templates import QueryTemplate


class Life:
    """Start, close, and what lives in between."""

    def __init__(  # noqa: PLR0917 - the parts an application names most often
        self,
        collection_name: str,
        embedder: BaseEmbedder | str,
        backend: VectorStorageBackend | str | None = None,
        settings: Settings | None = None,
        templates: Iterable[QueryTemplate | Mapping[str, Any]] | None = None,
        l1_backend: L1CacheBackend | str | None = None,
        *,
        guards: Sequence[Guard] | None = None,
        extractors: Mapping[str, Extractor] | None = None,
        reviewers: Sequence[Reviewer | str] = (),
        listeners: Sequence[Listener | str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        from medha.assembly import Blueprint

        self.settings = Settings() if settings is None else settings
        self.collection_name = check_collection(collection_name)
        self._plan = Blueprint(
            collection=self.collection_name,
            embedder=embedder,
            backend=self.settings.backend_type if backend is None else backend,
            l1_cache=self.settings.l1_type if l1_backend is None else l1_backend,
            guards=guards,
            reviewers=reviewers,
            listeners=self._listeners_of(listeners),
            templates=(),
            extractors=dict(extractors or {}),
            settings=self.settings,
            clock=clock,
        )
        self._given_templates = list(templates or ())
        self._stats = StatsRecorder(
            enabled=self.settings.collect_stats, max_samples=self.settings.stats_max_latency_samples
        )
        self._assembly: Assembly | None = None
        self._state = "not started"
        self._blocker = Blocker(self.start)

    def _listeners_of(self, given: Sequence[Listener | str] | None) -> tuple[Listener | str, ...]:
        if given is None:
            return self.settings.listeners
        return (given,) if isinstance(given, str) else tuple(given)

    @classmethod
    def from_settings(cls, settings: Settings | None = None, **options: Any) -> Self:
        """A cache built wholly from settings: by default those in the ``MEDHA_`` variables."""
        chosen = Settings() if settings is None else settings
        return cls(chosen.collection, chosen.embedder_type, settings=chosen, **options)

    async def start(self) -> None:
        """Load the plugins, connect, and open the collection; harmless when started.

        Raises:
            PluginError, ConfigurationError: something of that name cannot be had, or its settings are wrong.
            CollectionMismatchError: the collection was made with another model or dimension.
            BackendError, EmbedderError, ExtractorError, L1Error, FileError: it cannot be reached, loaded or read.
        """
        if self._assembly is not None:
            return
        if self._state == "starting":
            raise LifecycleError("start was called while another start is under way; await the first one")
        from medha.assembly import assemble
        from medha.templates.loading import gather_templates

        before, self._state = self._state, "starting"
        try:
            templates = await gather_templates(self._given_templates, self.settings)
            assembly = await assemble(replace(self._plan, templates=templates), self._stats)
        except BaseException:
            self._state = before
            raise
        if self._state != "starting":
            await assembly.on_close.aclose()
            raise LifecycleError(f"the cache of {self.collection_name!r} was closed while it was starting")
        self._assembly, self._state = assembly, "started"
        self._blocker.bind()

    async def close(self) -> None:
        """Finish the changes under way, save the embeddings, and close what was opened; harmless when closed."""
        assembly, self._assembly = self._assembly, None
        if self._state == "starting":
            # start sees it when it has what there is to close
            self._state = "closed"
        if assembly is not None:
            self._state = "closed"
            await assembly.on_close.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def _live(self) -> Assembly:
        if self._assembly is None:
            raise LifecycleError(
                f"the cache of {self.collection_name!r} is {self._state}; use it inside 'async with' "
                "(or between start() and close())"
            )
        return self._assembly
