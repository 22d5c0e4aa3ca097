"""The extractor: the entities of a spaCy pipeline, found in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import Extractor, Span
from medha.errors import ExtractorError, ExtractorUnavailableError
from medha.model_thread import ModelThread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_spacy.pipelines import Pipeline
    from medha_spacy.settings import SpacySettings


class SpacyExtractor(Extractor):
    """Gives the entities of a pipeline, each with confidence 1: spaCy does not say how sure it is."""

    def __init__(self, settings: SpacySettings) -> None:
        self._settings = settings
        self._thread = ModelThread("the spaCy extractor", name="medha-spacy", load=lambda: _load(settings.model))

    @property
    def labels(self) -> Sequence[str] | None:
        """Those of the pipeline's components, known once connected."""
        return self._thread.model.labels

    async def connect(self) -> None:
        """Load the pipeline, which takes a second or two, in the thread.

        Raises:
            ConfigurationError: there is no such pipeline, or it finds no entities.
            ExtractorUnavailableError: spaCy does not import, or the pipeline does not load.
        """
        await self._thread.connect()

    async def close(self) -> None:
        """Let the batches under way end, then let go of the pipeline."""
        await self._thread.close()

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        """The entities of each text; a long list goes in several batches, and others have their turn between them.

        Raises:
            ExtractorError: the pipeline fails on a text.
        """
        wanted = frozenset(labels)
        batches = await self._thread.run_in_batches(texts, self._settings.batch_size, _entities)
        return [[Span(*entity) for entity in of_text if entity[2] in wanted] for batch in batches for of_text in batch]


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
