"""The extractor: the entities of a spaCy pipeline, found in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from medha import Extractor, Span
from medha.errors import ExtractorError, ExtractorUnavailableError, LifecycleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_spacy.pipelines import Pipeline
    from medha_spacy.settings import SpacySettings


class SpacyExtractor(Extractor):
    """Gives the entities of a pipeline, each with confidence 1: spaCy does not say how sure it is."""

    def __init__(self, settings: SpacySettings) -> None:
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._pipeline: Pipeline | None = None

    @property
    def labels(self) -> Sequence[str] | None:
        """Those of the pipeline's components, known once connected."""
        return self._loaded().labels

    async def connect(self) -> None:
        """Load the pipeline, which takes a second or two, in the thread.

        Raises:
            ConfigurationError: there is no such pipeline, or it finds no entities.
            ExtractorUnavailableError: spaCy does not import, or the pipeline does not load.
        """
        async with self._connecting:
            if self._worker is not None:
                return
            worker = ThreadPoolExecutor(1, thread_name_prefix="medha-spacy")
            try:
                self._pipeline = await asyncio.get_running_loop().run_in_executor(worker, _load, self._settings.model)
            except BaseException:
                worker.shutdown(wait=False)
                raise
            self._worker = worker

    async def close(self) -> None:
        """Let the batches under way end, then let go of the pipeline."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown)
            self._pipeline = None

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        """The entities of each text; a long list goes in several batches, and others have their turn between them.

        Raises:
            ExtractorError: the pipeline fails on a text.
        """
        step, loop, wanted = self._settings.batch_size, asyncio.get_running_loop(), frozenset(labels)
        found: list[list[Span]] = []
        for start in range(0, len(texts), step):
            pipeline = self._loaded()
            batch = list(texts[start : start + step])
            entities = await loop.run_in_executor(self._worker, _entities, pipeline, batch, start)
            found += [[Span(*entity) for entity in of_text if entity[2] in wanted] for of_text in entities]
        return found

    def _loaded(self) -> Pipeline:
        if self._pipeline is None or self._worker is None:
            raise LifecycleError("the spaCy extractor works between connect() and close(); connect it first")
        return self._pipeline


def _load(model: str) -> Pipeline:
    try:
        from medha_spacy.pipelines import load
    except ImportError as exc:
        raise ExtractorUnavailableError(
            f"spaCy does not import: {exc}. Reinstall it with: pip install --force-reinstall spacy"
        ) from exc
    return load(model)


def _entities(pipeline: Pipeline, texts: list[str], first: int) -> list[list[tuple[int, int, str]]]:
    try:
        return pipeline.entities(texts)
    except Exception as exc:
        raise ExtractorError(
            f"spaCy failed on {len(texts)} texts, from text {first} on: {type(exc).__name__}: {exc}"
        ) from exc
