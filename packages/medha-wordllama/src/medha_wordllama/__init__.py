"""WordLlama as an embedder of Medha: the weights come in the wheel, nothing is downloaded."""

from medha_wordllama.embedder import WordLlamaEmbedder
from medha_wordllama.settings import WordLlamaSettings

__all__ = ["WordLlamaEmbedder", "WordLlamaSettings"]
