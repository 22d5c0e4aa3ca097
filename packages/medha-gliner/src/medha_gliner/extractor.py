"""The extractor: what a GLiNER model finds, in a thread of its own."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from medha import Extractor, Span
from medha.errors import ExtractorError, ExtractorUnavailableError
from medha.model_thread import ModelThread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_gliner.models import Model
    from medha_gliner.settings import GlinerSettings


class GlinerExtractor(Extractor):
    """Finds whatever a label says in plain words ("country", "name of a song"), with the model's own confidence."""

    def __init__(self, settings: GlinerSettings) -> None:
        self._settings = settings
        self._thread = ModelThread("the GLiNER extractor", name="medha-gliner", load=lambda: _load(settings))

    @property
    def labels(self) -> None:
        """Any: the model reads the label itself."""
        return

    async def connect(self) -> None:
        """Load the model in the thread, downloading it if need be.

        Raises:
            ConfigurationError: there is no such folder.
            ExtractorUnavailableError: gliner does not import, or the model cannot be had.
        """
        await self._thread.connect()

    async def close(self) -> None:
        """Let the batches under way end, then let go of the model."""
        await self._thread.close()

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        """The spans of each text; a long list goes in several batches, and others have their turn between them.

        Raises:
            ExtractorError: the model fails on a text.
        """
        wanted = list(labels)
        if not wanted:
            return [[] for _ in texts]
        batches = await self._thread.run_in_batches(
            texts, self._settings.batch_size, lambda model, batch, first: _spans(model, batch, wanted, first)
        )
        return list(chain.from_iterable(batches))


def _load(settings: GlinerSettings) -> Model:
    try:
        from medha_gliner.models import load
    except ImportError as exc:
        raise ExtractorUnavailableError(
            f"gliner does not import: {exc}. Install it with PyTorch: pip install torch gliner"
        ) from exc
    return load(settings)


def _spans(model: Model, texts: list[str], labels: list[str], first: int) -> list[list[Span]]:
    try:
        return model.spans(texts, labels)
    except Exception as exc:
        raise ExtractorError(
            f"GLiNER failed on {len(texts)} texts, from text {first} on: {type(exc).__name__}: {exc}"
        ) from exc
