"""What this package offers to Medha; importing it does not import the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, EmbedderPlugin, hookimpl
from medha_openai.embedder import make_embedder
from medha_openai.settings import OpenAISettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_embedders() -> Sequence[EmbedderPlugin]:
    """The one embedder of this package."""
    return [EmbedderPlugin(name="openai", factory=make_embedder, settings=OpenAISettings, api_version=PLUGIN_API)]
