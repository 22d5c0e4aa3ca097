"""The embedder: WordLlama behind Medha's contract, loaded at the first embedding."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from medha import BaseEmbedder
from medha.errors import LifecycleError
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
        self._worker: ThreadPoolExecutor | None = None
        self._model: WordLlamaModel | None = None

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
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="medha-wordllama")

    async def close(self) -> None:
        """Let the embeddings under way end, then let go of the weights."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown)
            self._model = None

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:  # noqa: ARG002
        """One vector per text, the same for stored and asked ones.

        Raises:
            EmbedderOutputError: a text is empty, or not valid Unicode.
            EmbedderUnavailableError: the installed WordLlama does not load.
        """
        if self._worker is None:
            raise LifecycleError("the wordllama embedder embeds between connect() and close(); connect it first")
        if self._model is not None and len(texts) <= _INLINE_TEXTS and sum(map(len, texts)) <= _INLINE_CHARACTERS:
            return self._model.embed(texts)
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Vectors:
        if self._model is None:
            from medha_wordllama.model import WordLlamaModel

            self._model = WordLlamaModel.load(self._dimension)
        return self._model.embed(texts)
