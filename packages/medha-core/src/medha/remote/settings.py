"""The settings that all remote embedders share; a plugin adds its own and its prefix."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RemoteEmbedderSettings(BaseSettings):
    """How a vendor is reached, and how patiently."""

    # a refused key would otherwise stand in the error that refuses it
    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: SecretStr | None = None
    """The key; ``None`` takes the one in the vendor's own variable, unless ``base_url`` sends it elsewhere."""
    model: Annotated[str, Field(min_length=1)]
    """The vendor's name of the model."""
    base_url: str | None = None
    """Another address than the vendor's: a proxy, a gateway, a server of one's own."""
    dimension: Annotated[int, Field(ge=1)] | None = None
    """Components to ask for, of a model that can shorten its vectors; ``None`` takes what the model makes."""

    timeout: Seconds = 10.0
    """Seconds for one request."""
    retries: Annotated[int, Field(ge=0, le=20)] = 2
    """How often a request is repeated that the vendor could not serve, throttled, or did not answer in time."""
    retry_wait: Seconds = 0.5
    """Seconds before the first repetition, if the vendor does not say (Retry-After); twice as many before the next."""
    longest_retry_wait: Seconds = 20.0
    """A vendor that asks for a longer wait is not asked again; the error says how long it wants to be left alone."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    """Requests of this embedder that are under way at the same time; the others wait for their turn."""
    texts_per_request: Annotated[int, Field(ge=1)] | None = None
    """Texts in one request; ``None`` takes as many as the vendor allows."""
    over_long: Literal["error", "truncate"] = "error"
    """What is done with a text longer than the model reads. Cut texts that begin alike have the same vector."""
    cost_per_million_tokens: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """US dollars, for the statistics; ``None`` takes the list price of a known model."""

    @field_validator("api_key")
    @classmethod
    def _usable_in_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        value = "" if key is None else key.get_secret_value()
        if key is not None and not (value.isascii() and value.isprintable() and value and " " not in value):
            raise ValueError("a key is not empty, and has neither blanks, line ends nor characters outside of ASCII")
        return key

    @field_validator("base_url")
    @classmethod
    def _address_without_secret(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address begins with http:// or https:// and names a host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("an address with a user or password would be seen in errors; use api_key")
        return url.rstrip("/")
