"""Any GLiNER model as an extractor for the templates of Medha."""

from medha_gliner.extractor import GlinerExtractor
from medha_gliner.settings import GlinerSettings

__all__ = ["GlinerExtractor", "GlinerSettings"]
