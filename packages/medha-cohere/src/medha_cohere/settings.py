"""The settings of the Cohere embedder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from medha.remote import RemoteEmbedderSettings


class CohereSettings(RemoteEmbedderSettings):
    """Which model, and its sides; each setting is also the environment variable ``MEDHA_COHERE_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_COHERE_")

    model: Annotated[str, Field(min_length=1)] = "embed-v4.0"
    """A model of Cohere."""
    asymmetric: bool = True
    """Whether stored questions are embedded as documents and asked ones as queries; else both are queries."""
