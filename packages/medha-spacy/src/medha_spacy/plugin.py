"""What this package offers to Medha; importing it does not import spaCy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha import PLUGIN_API, ExtractorPlugin, hookimpl
from medha_spacy.extractor import SpacyExtractor
from medha_spacy.settings import SpacySettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def medha_register_extractors() -> Sequence[ExtractorPlugin]:
    """The one extractor of this package."""
    return [ExtractorPlugin(name="spacy", factory=SpacyExtractor, settings=SpacySettings, api_version=PLUGIN_API)]
