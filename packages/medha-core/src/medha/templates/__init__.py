"""Query templates: a question pattern with its parameterised query."""

from medha.templates.loading import load_templates
from medha.templates.model import QueryTemplate

__all__ = ["QueryTemplate", "load_templates"]
