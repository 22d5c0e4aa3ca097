"""What this package offers to Medha; importing it does not import WordLlama."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, EmbedderPlugin, hookimpl
from medha_wordllama.embedder import WordLlamaEmbedder
from medha_wordllama.settings import WordLlamaSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_embedders() -> Sequence[EmbedderPlugin]:
    """The one embedder of this package."""
    return [
        EmbedderPlugin(name="wordllama", factory=WordLlamaEmbedder, settings=WordLlamaSettings, api_version=PLUGIN_API)
    ]
