"""OpenAI, Azure OpenAI and compatible servers as embedders of Medha."""

from medha_openai.embedder import AsymmetricOpenAIEmbedder, OpenAIEmbedder, make_embedder
from medha_openai.settings import OpenAISettings

__all__ = ["AsymmetricOpenAIEmbedder", "OpenAIEmbedder", "OpenAISettings", "make_embedder"]
