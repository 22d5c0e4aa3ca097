"""Google's embedding models, as the documentation of the Gemini API has them."""

from __future__ import annotations

from typing import Final

from medha.remote import RemoteModel

_SECOND: Final = RemoteModel(dimension=3072, sizes=range(128, 3072), tokens=8192, cost=0.20)

MODELS: Final = {
    "gemini-embedding-001": RemoteModel(dimension=3072, sizes=range(128, 3072), tokens=2048, cost=0.15),
    "gemini-embedding-2": _SECOND,
    "gemini-embedding-2-preview": _SECOND,
}
"""What is not here is asked for its dimension."""

MOST_TEXTS: Final = 100

WORDS_OF_TASKS: Final = {
    "RETRIEVAL_QUERY": "task: search result | query: ",
    "RETRIEVAL_DOCUMENT": "title: none | text: ",
    "SEMANTIC_SIMILARITY": "task: sentence similarity | query: ",
    "QUESTION_ANSWERING": "task: question answering | query: ",
    "FACT_VERIFICATION": "task: fact checking | query: ",
    "CODE_RETRIEVAL_QUERY": "task: code retrieval | query: ",
    "CLASSIFICATION": "task: classification | query: ",
    "CLUSTERING": "task: clustering | query: ",
}
"""From the second generation on a model is told its task in the text, and knows no task type."""


def is_told_in_words(model: str) -> bool:
    """Whether the model takes its task from the text."""
    return model.removeprefix("models/").startswith("gemini-embedding-2")
