"""The settings of the WordLlama embedder."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

DIMENSIONS: Final = (64, 128, 256)
"""The weights were trained so that their first 64 or 128 components are a model of their own."""


def _one_of_the_dimensions(value: int) -> int:
    if value not in DIMENSIONS:
        raise ValueError(f"WordLlama has {', '.join(map(str, DIMENSIONS[:-1]))} or {DIMENSIONS[-1]} dimensions")
    return value


class WordLlamaSettings(BaseSettings):
    """What the embedder is tuned by; each setting is also the environment variable ``MEDHA_WORDLLAMA_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_WORDLLAMA_", frozen=True, extra="forbid")

    dimension: Annotated[int, AfterValidator(_one_of_the_dimensions)] = 256
    """Components of a vector: 256, or 128 or 64 for less memory and less accuracy."""
