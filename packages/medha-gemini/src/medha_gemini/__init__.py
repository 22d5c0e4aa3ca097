"""Google's Gemini embedding models as an embedder of Medha."""

from medha_gemini.embedder import GeminiEmbedder, SymmetricGeminiEmbedder, make_embedder
from medha_gemini.settings import GeminiSettings

__all__ = ["GeminiEmbedder", "GeminiSettings", "SymmetricGeminiEmbedder", "make_embedder"]
