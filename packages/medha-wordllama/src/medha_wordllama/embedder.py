"""The embedder: WordLlama behind Medha's contract, loaded at the first embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import BaseEmbedder
from medha.model_thread import ModelThread
from medha_wordllama.settings import WordLlamaSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vectors
    from medha_wordllama.model import WordLlamaModel

_INLINE_CHARACTERS: Final = 2_000
_INLINE_TEXTS: Final = 16
"""Up to here embedding takes well under a millisecond, and one question less than the way to a thread and back."""


class WordLlamaEmbedder(BaseEmbedder):
    """Embeds with WordLlama's ``l2_supercat``; the first embedding loads it, in about a second and off the event loop.

    All work that is not small runs in one thread of the embedder's own, so that a slow load never holds up others, and
    the first calls share one load by standing in its queue.
    """

    def __init__(self, settings: WordLlamaSettings | None = None) -> None:
        self._dimension = (settings or WordLlamaSettings()).dimension
        dimension = self._dimension
        self._thread = ModelThread("the wordllama embedder", name="medha-wordllama", load=lambda: _Weights(dimension))

    @property
    def dimension(self) -> int:
        """The number of components, known from the settings."""
        return self._dimension

    @property
    def model_name(self) -> str:
        """The weights and how many of their components are used."""
        return f"wordllama/l2_supercat-{self._dimension}"

    async def connect(self) -> None:
        """Make room for the work; nothing is loaded yet."""
        await self._thread.connect()

    async def close(self) -> None:
        """Let the embeddings under way end, then let go of the weights."""
        await self._thread.close()

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:  # noqa: ARG002
        """One vector per text, the same for stored and asked ones.

        Raises:
            EmbedderOutputError: a text is empty, or not valid Unicode.
            EmbedderUnavailableError: the installed WordLlama does not load.
        """
        loaded = self._thread.model.loaded
        if loaded is not None and len(texts) <= _INLINE_TEXTS and sum(map(len, texts)) <= _INLINE_CHARACTERS:
            return loaded.embed(texts)
        batch = list(texts)
        return await self._thread.run(lambda weights: weights.embed(batch))


class _Weights:
    """Loaded when they are first needed, in the thread."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self.loaded: WordLlamaModel | None = None

    def embed(self, texts: list[str]) -> Vectors:
        if self.loaded is None:
            from medha_wordllama.model import WordLlamaModel

            self.loaded = WordLlamaModel.load(self._dimension)
        return self.loaded.embed(texts)
