"""What this package offers to Medha; importing it does not import fastembed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, EmbedderPlugin, hookimpl
from medha_fastembed.embedder import make_embedder
from medha_fastembed.settings import FastEmbedSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_embedders() -> Sequence[EmbedderPlugin]:
    """The one embedder of this package."""
    return [EmbedderPlugin(name="fastembed", factory=make_embedder, settings=FastEmbedSettings, api_version=PLUGIN_API)]
