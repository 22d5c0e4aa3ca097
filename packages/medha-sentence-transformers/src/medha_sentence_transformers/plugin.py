"""What this package offers to Medha; importing it imports neither sentence-transformers nor PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, EmbedderPlugin, hookimpl
from medha_sentence_transformers.embedder import make_embedder
from medha_sentence_transformers.settings import SentenceTransformersSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_embedders() -> Sequence[EmbedderPlugin]:
    """The one embedder of this package."""
    return [
        EmbedderPlugin(
            name="sentence-transformers",
            factory=make_embedder,
            settings=SentenceTransformersSettings,
            api_version=PLUGIN_API,
        )
    ]
