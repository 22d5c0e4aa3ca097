"""The embedder: fastembed behind Medha's contract, its model loaded at the first embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha import BaseEmbedder
from medha.errors import EmbedderError, EmbedderOutputError, EmbedderUnavailableError, LifecycleError
from medha.model_thread import ModelThread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastembed import TextEmbedding

    from medha.models import Vectors
    from medha_fastembed.catalogue import ChosenModel
    from medha_fastembed.settings import FastEmbedSettings


class FastEmbedEmbedder(BaseEmbedder):
    """Embeds with a fastembed model; stored and asked questions alike, both as queries.

    ``connect`` looks the model up, and the first embedding loads it, downloading it if need be. All of that happens in
    one thread of the embedder's own, so that a slow download holds up nothing else and happens once.
    """

    def __init__(self, settings: FastEmbedSettings) -> None:
        self._settings = settings
        self._thread = ModelThread("the fastembed embedder", name="medha-fastembed", load=lambda: _choose(settings))
        self._chosen: ChosenModel | None = None
        self._model: TextEmbedding | None = None
        self._failure: EmbedderUnavailableError | None = None

    @property
    def dimension(self) -> int:
        """The number of components, known once connected."""
        return self._known().dimension

    @property
    def model_name(self) -> str:
        """Model, pooling, prefixes and, of a local folder, a digest of its files; known once connected."""
        return self._known().name

    async def connect(self) -> None:
        """Find out which model the settings mean; importing fastembed takes a second or two, in the thread.

        Raises:
            ConfigurationError: fastembed knows no such model, or the folder lacks files.
            EmbedderUnavailableError: fastembed does not import.
        """
        self._chosen = await self._thread.connect()

    async def close(self) -> None:
        """Let the batches under way end, then let go of the model."""
        await self._thread.close()
        self._model = None

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        """One vector per text; a long list goes in several batches, and others have their turn between them.

        Raises:
            EmbedderUnavailableError: the model cannot be downloaded or loaded; the message says what to do instead.
            EmbedderOutputError: the model has another dimension than was said.
            EmbedderError: the model fails on a text, as on one that is not valid Unicode.
        """
        import numpy as np

        failure = self._failure
        parts = await self._thread.run_in_batches(
            texts,
            self._settings.batch_size,
            lambda _, batch, first: self._embed(batch, is_document, first, failure),
        )
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])

    def _known(self) -> ChosenModel:
        if self._chosen is None:
            raise LifecycleError("the fastembed embedder knows its model once connect() has returned")
        return self._chosen

    def _loaded(self, known_failure: EmbedderUnavailableError | None) -> TextEmbedding:
        if self._model is None:
            from medha_fastembed.loading import load

            if self._failure is not None and self._failure is not known_failure:
                raise self._failure  # it failed while this call waited; trying again for each would take minutes
            try:
                self._model = load(self._known(), self._settings)
            except EmbedderUnavailableError as exc:
                self._failure = exc
                raise
        return self._model

    def _embed(
        self, texts: list[str], is_document: bool, first: int, known_failure: EmbedderUnavailableError | None
    ) -> Vectors:
        import numpy as np

        chosen, settings, model = self._known(), self._settings, self._loaded(known_failure)
        passage = is_document and self.asymmetric
        prefix = settings.passage_prefix if passage else settings.query_prefix
        embed = model.passage_embed if passage else model.query_embed
        try:
            vectors = np.array(list(embed([prefix + text for text in texts], batch_size=len(texts))), np.float32)
        except Exception as exc:
            raise EmbedderError(
                f"{chosen.name} failed to embed {len(texts)} texts, from text {first} on: {exc}"
            ) from exc
        if vectors.shape != (len(texts), chosen.dimension):
            raise EmbedderOutputError(
                f"{chosen.name} made vectors of shape {vectors.shape[1:]}, not ({chosen.dimension},); correct "
                "MEDHA_FASTEMBED_DIMENSION and MEDHA_FASTEMBED_POOLING, or the folder does not hold that model"
            )
        return vectors


class AsymmetricFastEmbedEmbedder(FastEmbedEmbedder):
    """Embeds stored questions as passages and asked ones as queries."""

    asymmetric: ClassVar[bool] = True


def make_embedder(settings: FastEmbedSettings) -> FastEmbedEmbedder:
    """The embedder that the settings ask for."""
    return AsymmetricFastEmbedEmbedder(settings) if settings.asymmetric else FastEmbedEmbedder(settings)


def _choose(settings: FastEmbedSettings) -> ChosenModel:
    try:
        from medha_fastembed.catalogue import choose
    except ImportError as exc:
        raise EmbedderUnavailableError(
            f"fastembed does not import: {exc}. Reinstall it with: pip install --force-reinstall fastembed"
        ) from exc
    return choose(settings)
