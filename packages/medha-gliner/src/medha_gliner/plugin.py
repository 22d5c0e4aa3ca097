"""What this package offers to Medha; importing it imports neither gliner nor PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, ExtractorPlugin, hookimpl
from medha_gliner.extractor import GlinerExtractor
from medha_gliner.settings import GlinerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_extractors() -> Sequence[ExtractorPlugin]:
    """The one extractor of this package."""
    return [ExtractorPlugin(name="gliner", factory=GlinerExtractor, settings=GlinerSettings, api_version=PLUGIN_API)]
