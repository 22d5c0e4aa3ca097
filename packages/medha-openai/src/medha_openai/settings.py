"""The settings of the OpenAI embedder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from medha.remote import RemoteEmbedderSettings


class OpenAISettings(RemoteEmbedderSettings):
    """Which server and model; each setting is also the environment variable ``MEDHA_OPENAI_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_OPENAI_")

    model: Annotated[str, Field(min_length=1)] = "text-embedding-3-small"
    """A model of OpenAI, or of the server at ``base_url``."""

    azure_endpoint: str | None = None
    """The address of an Azure OpenAI resource; ``model`` says what its deployment is made of."""
    azure_deployment: str | None = None
    """The deployment's name, where it is not that of the model."""
    azure_api_version: str = "2024-10-21"
    """The version of Azure's API."""

    encoding_format: Literal["base64", "float"] = "base64"
    """How vectors are sent; "float" for a compatible server that refuses base64."""
    query_prefix: str = ""
    """Put in front of every asked question, as some open models demand."""
    document_prefix: str = ""
    """The same for stored questions; where it differs, the embedder is asymmetric."""

    @model_validator(mode="after")
    def _one_address(self) -> OpenAISettings:
        if self.base_url is not None and self.azure_endpoint is not None:
            raise ValueError("base_url and azure_endpoint are two addresses; set one of them")
        if self.azure_deployment is not None and self.azure_endpoint is None:
            raise ValueError("azure_deployment needs azure_endpoint as well")
        return self
