"""The synchronous facade: every method of ``Medha``, on an event loop of its own thread."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from medha.cache import Medha
from medha.errors import LifecycleError
from medha.loop_thread import LoopThread
from medha.models import UNSET, CacheHit
from medha.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from medha.backend import VectorStorageBackend
    from medha.embedder import BaseEmbedder
    from medha.extractor import Extractor
    from medha.guard import Guard, Reviewer
    from medha.l1 import L1CacheBackend
    from medha.listening import Listener
    from medha.models import Unset
    from medha.stats import CacheStats
    from medha.templates import QueryTemplate

P = ParamSpec("P")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[Medha, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[MedhaSync, P], R]:
    @functools.wraps(method)
    def call(self: MedhaSync, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(lambda: method(self.cache, *args, **kwargs))

    return call


class MedhaSync:
    """``Medha`` for code without ``async``: scripts, notebooks (also inside their running loop), many threads.

    Takes what ``Medha`` takes. Use it as ``with``, or between ``start()`` and ``close()``.
    """

    def __init__(  # noqa: PLR0917 - as Medha
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
        self.cache = Medha(
            collection_name,
            embedder,
            backend,
            settings,
            templates,
            l1_backend,
            guards=guards,
            extractors=extractors,
            reviewers=reviewers,
            listeners=listeners,
            clock=clock,
        )
        self._thread: LoopThread | None = None
        self._starting = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings | None = None, **options: Any) -> Self:
        """A cache built wholly from settings: by default those in the ``MEDHA_`` variables."""
        chosen = Settings() if settings is None else settings
        return cls(chosen.collection, chosen.embedder_type, settings=chosen, **options)

    def start(self) -> None:
        """Start the loop thread and the cache; harmless when started."""
        with self._starting:
            if self._thread is not None:
                return
            thread = LoopThread()
            try:
                thread.run(self.cache.start)
            except BaseException:
                thread.stop()
                raise
            self._thread = thread

    def close(self) -> None:
        """Close the cache and end the loop thread; harmless when closed."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self.cache.close)
            finally:
                thread.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    search = _blocking(Medha.search)
    search_batch = _blocking(Medha.search_batch)
    explain = _blocking(Medha.explain)
    get_or_generate = _blocking(Medha.get_or_generate)
    store = _blocking(Medha.store)
    store_many = _blocking(Medha.store_many)
    store_batch = _blocking(Medha.store_batch)
    warm_from_file = _blocking(Medha.warm_from_file)
    warm_from_dataframe = _blocking(Medha.warm_from_dataframe)
    migrate_from = _blocking(Medha.migrate_from)
    export_to_file = _blocking(Medha.export_to_file)
    export_to_dataframe = _blocking(Medha.export_to_dataframe)
    invalidate = _blocking(Medha.invalidate)
    invalidate_by_query_hash = _blocking(Medha.invalidate_by_query_hash)
    invalidate_by_template = _blocking(Medha.invalidate_by_template)
    invalidate_collection = _blocking(Medha.invalidate_collection)
    expire = _blocking(Medha.expire)
    dedup_collection = _blocking(Medha.dedup_collection)
    feedback = _blocking(Medha.feedback)
    count = _blocking(Medha.count)
    clear_caches = _blocking(Medha.clear_caches)
    load_templates = _blocking(Medha.load_templates)
    load_values = _blocking(Medha.load_values)
    wait_until_learned = _blocking(Medha.wait_until_learned)

    @overload
    def cached(self, function: Callable[[str], str], /) -> Callable[[str], str]: ...
    @overload
    def cached(
        self, /, *, ttl: float | Unset | None = UNSET, filters: Mapping[str, Any] | None = None
    ) -> Callable[[Callable[[str], str]], Callable[[str], str]]: ...
    def cached(
        self,
        function: Callable[[str], str] | None = None,
        /,
        *,
        ttl: float | Unset | None = UNSET,
        filters: Mapping[str, Any] | None = None,
    ) -> Any:
        """Decorate a function from question to query, so that it runs only on a miss."""

        def decorate(generate: Callable[[str], str]) -> Callable[[str], str]:
            @functools.wraps(generate)
            def answer(question: str) -> str:
                hit: CacheHit = self.get_or_generate(question, generate, ttl=ttl, filters=filters)
                return hit.generated_query or ""

            return answer

        return decorate if function is None else decorate(function)

    def stats(self) -> CacheStats:
        """What happened since the start or the last ``reset_stats``."""
        return self.cache.stats()

    def reset_stats(self) -> None:
        """Start counting anew."""
        self.cache.reset_stats()

    @property
    def templates(self) -> list[QueryTemplate]:
        """The templates in use."""
        return self.cache.templates

    @property
    def settings(self) -> Settings:
        """The settings of the cache."""
        return self.cache.settings

    def run(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """The result of a coroutine, run on the cache's own loop."""
        if self._thread is None:
            raise LifecycleError(
                f"the cache of {self.cache.collection_name!r} is not started, or closed; use it inside 'with' "
                "(or between start() and close())"
            )
        return self._thread.run(work)
