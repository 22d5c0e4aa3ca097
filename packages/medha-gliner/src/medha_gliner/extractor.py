"""The extractor: what a GLiNER model finds, in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from medha import Extractor, Span
from medha.errors import ExtractorError, ExtractorUnavailableError, LifecycleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_gliner.models import Model
    from medha_gliner.settings import GlinerSettings


class GlinerExtractor(Extractor):
    """Finds whatever a label says in plain words ("country", "name of a song"), with the model's own confidence."""

    def __init__(self, settings: GlinerSettings) -> None:
        self._settings = settings
        self._connecting = asyncio.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._model: Model | None = None

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
        async with self._connecting:
            if self._worker is not None:
                return
            worker = ThreadPoolExecutor(1, thread_name_prefix="medha-gliner")
            try:
                self._model = await asyncio.get_running_loop().run_in_executor(worker, _load, self._settings)
            except BaseException:
                worker.shutdown(wait=False)
                raise
            self._worker = worker

    async def close(self) -> None:
        """Let the batches under way end, then let go of the model."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown)
            self._model = None

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        """The spans of each text; a long list goes in several batches, and others have their turn between them.

        Raises:
            ExtractorError: the model fails on a text.
        """
        step, loop, wanted = self._settings.batch_size, asyncio.get_running_loop(), list(labels)
        if not wanted:
            return [[] for _ in texts]
        found: list[list[Span]] = []
        for start in range(0, len(texts), step):
            if self._worker is None or self._model is None:
                raise LifecycleError("the GLiNER extractor works between connect() and close(); connect it first")
            batch = list(texts[start : start + step])
            found += await loop.run_in_executor(self._worker, _spans, self._model, batch, wanted, start)
        return found


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
