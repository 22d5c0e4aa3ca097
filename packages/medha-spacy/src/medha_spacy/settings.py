"""The settings of the spaCy extractor."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SpacySettings(BaseSettings):
    """Which pipeline, and how it runs; each setting is also the environment variable ``MEDHA_SPACY_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_SPACY_", frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)] = "en_core_web_sm"
    """The name of an installed pipeline, or the path of a folder that holds one."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Texts that go through the pipeline at a time; between two batches another call has its turn."""
