"""Any spaCy pipeline as an extractor for the templates of Medha."""

from medha_spacy.extractor import SpacyExtractor
from medha_spacy.settings import SpacySettings

__all__ = ["SpacyExtractor", "SpacySettings"]
