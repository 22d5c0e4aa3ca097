"""The settings of the azure-search backend."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class AzureSearchSettings(BaseSettings):
    """Where the service is and how its indexes are made; each setting is also ``MEDHA_AZURE_SEARCH_<NAME>``."""

    # a wrong url may hold a password, which an error must not show
    model_config = SettingsConfigDict(
        env_prefix="MEDHA_AZURE_SEARCH_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    url: str
    """The endpoint of the service: ``https://NAME.search.windows.net``."""
    api_key: SecretStr | None = None
    """An admin key; without one, the backend is given a token credential in code."""
    audience: str | None = None
    """For whom a token is asked, in clouds other than the public one."""
    api_version: str | None = None
    """The version of the REST API, where it is not to be the driver's own."""
    prefix: Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] = "medha"
    """How the names of all indexes begin; two installations on one service take different ones."""
    request_timeout: Seconds = 30.0
    """Seconds after which the driver gives a request up. Medha's own deadline usually comes first."""
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    """How often the driver repeats what the service throttles (429, 503; it waits as ``Retry-After`` says)."""
    visible_within: Seconds = 30.0
    """Seconds in which a write must have become visible to searches; it takes the service a moment."""
    exhaustive: bool = False
    """Compare every vector, instead of following the HNSW graph."""
    hnsw_m: Annotated[int, Field(ge=4, le=10)] = 4
    """Neighbours of each vector in the graph of a new collection."""
    hnsw_ef_construction: Annotated[int, Field(ge=100, le=1000)] = 400
    """Candidates that are looked at for each vector while the graph of a new collection is built."""
    hnsw_ef_search: Annotated[int, Field(ge=100, le=1000)] = 500
    """Candidates that a search in a new collection looks at."""
    max_request_bytes: Annotated[int, Field(ge=1_000, le=16_000_000)] = 4_000_000
    """The largest batch that is sent as one request, unless one entry is larger; the service takes 16 MB and 1,000
    documents."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be like https://NAME.search.windows.net")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password; the key goes into api_key")
        return url.rstrip("/")
