"""Any sentence-transformers model as an embedder of Medha, by name or from a local folder."""

from medha_sentence_transformers.embedder import (
    AsymmetricSentenceTransformersEmbedder,
    SentenceTransformersEmbedder,
    make_embedder,
)
from medha_sentence_transformers.settings import SentenceTransformersSettings

__all__ = [
    "AsymmetricSentenceTransformersEmbedder",
    "SentenceTransformersEmbedder",
    "SentenceTransformersSettings",
    "make_embedder",
]
