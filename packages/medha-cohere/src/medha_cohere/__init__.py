"""Cohere's embedding models as an embedder of Medha."""

from medha_cohere.embedder import CohereEmbedder, SymmetricCohereEmbedder, make_embedder
from medha_cohere.settings import CohereSettings

__all__ = ["CohereEmbedder", "CohereSettings", "SymmetricCohereEmbedder", "make_embedder"]
