"""The loaded model: the token vectors and the tokenizer of WordLlama."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medha.errors import EmbedderOutputError, EmbedderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vector, Vectors

_TOKENS_AT_ONCE: Final = 8_192


class WordLlamaModel:
    """A text's vector is the mean of its tokens' vectors, as in ``WordLlamaInference.embed``.

    That method pads all texts of a batch to the longest one, in memory too; this one takes no more than the longest
    text needs, and is some four times as fast for a single question. Safe to use from many threads.
    """

    def __init__(self, token_vectors: Vectors, tokenizer: Any) -> None:
        self._token_vectors = token_vectors
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()

    @classmethod
    def load(cls, dimension: int) -> WordLlamaModel:
        """The model from WordLlama's own wheel, without network.

        Raises:
            EmbedderUnavailableError: WordLlama does not import, or its files are missing or damaged.
        """
        try:
            wordllama = _import_wordllama()
            folder = Path(wordllama.__file__).parent
            inference = wordllama.WordLlama.load(cache_dir=folder, trunc_dim=dimension, disable_download=True)
        except Exception as exc:
            raise EmbedderUnavailableError(
                f"loading the wordllama model failed: {exc}. Its weights and tokenizer come in its wheel; "
                "reinstall it with: pip install --force-reinstall wordllama"
            ) from exc
        return cls(inference.embedding, inference.tokenizer)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row per text; the same text has the same row in every batch.

        Raises:
            EmbedderOutputError: a text is empty, or not valid Unicode.
        """
        vectors = np.empty((len(texts), self._token_vectors.shape[1]), np.float32)
        for place, encoding in enumerate(self._encode(texts)):
            tokens: list[int] = encoding.ids
            if not tokens:
                raise EmbedderOutputError(f"wordllama has no vector for text {place} of {len(texts)}: it is empty")
            self._mean(tokens, vectors[place])
        return vectors

    def _mean(self, tokens: list[int], out: Vector) -> None:
        self._token_vectors.take(tokens[:_TOKENS_AT_ONCE], axis=0).sum(axis=0, out=out)
        for start in range(_TOKENS_AT_ONCE, len(tokens), _TOKENS_AT_ONCE):
            out += self._token_vectors.take(tokens[start : start + _TOKENS_AT_ONCE], axis=0).sum(axis=0)
        out /= len(tokens)

    def _encode(self, texts: Sequence[str]) -> Sequence[Any]:
        try:
            return self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        except TypeError as exc:
            raise EmbedderOutputError(
                f"wordllama has no vectors for these {len(texts)} texts: one of them is not a str of valid Unicode, "
                "as one with a lone surrogate"
            ) from exc


def _import_wordllama() -> Any:
    """WordLlama without its side effect on import: it configures the root logger, which is the application's."""
    root = logging.getLogger()
    shield = logging.NullHandler()
    root.addHandler(shield)  # logging.basicConfig does nothing while there is a handler
    try:
        return importlib.import_module("wordllama")
    finally:
        root.removeHandler(shield)
