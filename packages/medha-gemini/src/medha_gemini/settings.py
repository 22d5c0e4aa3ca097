"""The settings of the Gemini embedder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from medha.remote import RemoteEmbedderSettings

Task = Literal[
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
    "CLASSIFICATION",
    "CLUSTERING",
]


class GeminiSettings(RemoteEmbedderSettings):
    """Which model and tasks; each setting is also the environment variable ``MEDHA_GEMINI_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_GEMINI_")

    model: Annotated[str, Field(min_length=1)] = "gemini-embedding-001"
    """A model of the Gemini API."""
    query_task: Task = "RETRIEVAL_QUERY"
    """What an asked question is embedded for."""
    document_task: Task = "RETRIEVAL_DOCUMENT"
    """What a stored question is embedded for; where both are the same, the embedder is symmetric."""
