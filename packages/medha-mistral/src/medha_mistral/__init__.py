"""Mistral's embedding models as an embedder of Medha."""

from medha_mistral.embedder import MistralEmbedder
from medha_mistral.settings import MistralSettings

__all__ = ["MistralEmbedder", "MistralSettings"]
