"""The embedder: sentence-transformers behind Medha's contract, in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha import BaseEmbedder
from medha.errors import EmbedderError, EmbedderUnavailableError
from medha.model_thread import ModelThread

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
        self._thread = ModelThread(
            "the sentence-transformers embedder", name="medha-sentence-transformers", load=lambda: _load(settings)
        )

    @property
    def dimension(self) -> int:
        """The number of components, known once connected."""
        return self._thread.model.dimension

    @property
    def model_name(self) -> str:
        """Model, commit or digest of its folder, backend, prompts; known once connected."""
        return self._thread.model.name

    async def connect(self) -> None:
        """Load the model; importing PyTorch takes seconds, in the thread.

        Raises:
            ConfigurationError: there is no such folder, or the model does not do what the settings ask.
            EmbedderUnavailableError: sentence-transformers does not import, or the model cannot be had.
        """
        await self._thread.connect()

    async def close(self) -> None:
        """Let the batches under way end, then let go of the model."""
        await self._thread.close()

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        """One vector per text; a long list goes in several batches, and others have their turn between them.

        Raises:
            EmbedderError: the model fails on a text, as on one that is not valid Unicode.
        """
        import numpy as np

        as_documents = is_document and self.asymmetric
        parts = await self._thread.run_in_batches(
            texts, self._settings.batch_size, lambda model, batch, first: _embed(model, batch, as_documents, first)
        )
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])


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
