"""Any fastembed model as an embedder of Medha, by name or from a local folder."""

from medha_fastembed.embedder import AsymmetricFastEmbedEmbedder, FastEmbedEmbedder, make_embedder
from medha_fastembed.settings import FastEmbedSettings

__all__ = ["AsymmetricFastEmbedEmbedder", "FastEmbedEmbedder", "FastEmbedSettings", "make_embedder"]
