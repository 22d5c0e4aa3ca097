"""The embedder: sentence-transformers behind Medha's contract, in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

from medha import BaseEmbedder
from medha.errors import EmbedderError, EmbedderUnavailableError, LifecycleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vectors
    from medha_sentence_transformers.loading import LoadedModel
    from medha_sentence_transformers.settings import SentenceTransformersSettings


class SentenceTransformersEmbedder(BaseEmbedder):
    """Embeds with a sentence-transformers model; stored and asked questions alike, both as queries.

    ``connect`` loads the model, downloading it if need be; one that takes longer than its caller waits goes on, and
    a later ``connect`` finds it. All of that happens in one thread of the embedder's own.
    """

    def __init__(self, settings: SentenceTransformersSettings) -> None:
        self._settings = settings
        self._worker: ThreadPoolExecutor | None = None
        self._loading: asyncio.Future[LoadedModel] | None = None
        self._model: LoadedModel | None = None

    @property
    def dimension(self) -> int:
        """The number of components, known once connected."""
        return self._known().dimension

    @property
    def model_name(self) -> str:
        """Model, commit or digest of its folder, backend, prompts; known once connected."""
        return self._known().name

    async def connect(self) -> None:
        """Load the model; importing PyTorch takes seconds, in the thread.

        Raises:
            ConfigurationError: there is no such folder, or the model does not do what the settings ask.
            EmbedderUnavailableError: sentence-transformers does not import, or the model cannot be had.
        """
        if self._model is not None:
            return
        if self._loading is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="medha-sentence-transformers")
            self._loading = asyncio.get_running_loop().run_in_executor(self._worker, _load, self._settings)
            # when nobody waits any more, its failure is nobody's either
            self._loading.add_done_callback(lambda done: done.cancelled() or done.exception())
        loading = self._loading
        try:
            model = await asyncio.shield(loading)
        except asyncio.CancelledError:
            raise
        except BaseException:
            if self._loading is loading:
                await self.close()
            raise
        if self._loading is loading:
            self._model = model

    async def close(self) -> None:
        """Let the batches under way end, then let go of the model."""
        worker, self._worker, self._loading = self._worker, None, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown)
            self._model = None

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        """One vector per text; a long list goes in several batches, and others have their turn between them.

        Raises:
            EmbedderError: the model fails on a text, as on one that is not valid Unicode.
        """
        import numpy as np

        step, loop, as_documents = (
            self._settings.batch_size,
            asyncio.get_running_loop(),
            is_document and self.asymmetric,
        )
        parts = [np.empty((0, self.dimension), np.float32)]
        for start in range(0, len(texts), step):
            batch = list(texts[start : start + step])
            parts.append(await loop.run_in_executor(self._worker, _embed, self._known(), batch, as_documents, start))
        return np.concatenate(parts)

    def _known(self) -> LoadedModel:
        if self._model is None or self._worker is None:
            raise LifecycleError(
                "the sentence-transformers embedder works between connect() and close(); connect it first"
            )
        return self._model


class AsymmetricSentenceTransformersEmbedder(SentenceTransformersEmbedder):
    """Embeds stored questions as documents and asked ones as queries."""

    asymmetric: ClassVar[bool] = True


def make_embedder(settings: SentenceTransformersSettings) -> SentenceTransformersEmbedder:
    """The embedder that the settings ask for."""
    chosen = AsymmetricSentenceTransformersEmbedder if settings.asymmetric else SentenceTransformersEmbedder
    return chosen(settings)


def _load(settings: SentenceTransformersSettings) -> LoadedModel:
    try:
        from medha_sentence_transformers.loading import load
    except ImportError as exc:
        raise EmbedderUnavailableError(
            f"sentence-transformers does not import: {exc}. Install it with PyTorch: "
            "pip install torch sentence-transformers"
        ) from exc
    return load(settings)


def _embed(model: LoadedModel, texts: list[str], as_documents: bool, first: int) -> Vectors:
    try:
        return model.embed(texts, as_documents=as_documents)
    except Exception as exc:
        raise EmbedderError(
            f"{model.name} failed to embed {len(texts)} texts, from text {first} on: {type(exc).__name__}: {exc}"
        ) from exc
