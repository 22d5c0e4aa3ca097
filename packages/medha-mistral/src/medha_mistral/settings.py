"""The settings of the Mistral embedder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from medha.remote import RemoteEmbedderSettings


class MistralSettings(RemoteEmbedderSettings):
    """Which model; each setting is also the environment variable ``MEDHA_MISTRAL_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_MISTRAL_")

    model: Annotated[str, Field(min_length=1)] = "mistral-embed"
    """A model of Mistral; it embeds stored and asked questions alike."""
