"""The settings of the elasticsearch backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self, cast
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ElasticsearchSettings(BaseSettings):
    """Where the cluster is and how its indices are made; each setting is also ``MEDHA_ELASTICSEARCH_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="MEDHA_ELASTICSEARCH_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    url: str = "http://localhost:9200"
    """The address. A user and password in it are taken out of it, into ``username`` and ``password``."""
    cloud_id: str | None = None
    """The deployment in Elastic Cloud, instead of ``url``."""
    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    """An encoded API key, instead of ``username`` and ``password``."""
    ca_certs: Path | None = None
    """The file or folder with the certificates that sign the server's."""
    ssl_fingerprint: str | None = None
    """SHA-256 of the server's certificate, as Elasticsearch prints it when it first starts."""
    verify_certs: bool = True
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")] = "medha"
    """How the names of all indices begin; two installations on one cluster take different ones."""
    request_timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 30.0
    """Seconds after which the driver gives a request up. Medha's own deadline, ``MEDHA_BACKEND_TIMEOUT``, usually
    comes first."""
    connections: Annotated[int, Field(ge=1, le=1000)] = 10
    """The most connections that are open at the same time."""
    max_request_bytes: Annotated[int, Field(ge=1_000, le=2**31 - 1)] = 45_000_000
    """The largest request. The server takes up to ``http.max_content_length`` (100 MB), and a tenth of its heap."""
    num_candidates: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """How many entries of each segment a search looks at; a segment with no more matching ones is searched exactly."""
    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    """Copies of a new collection beside the first; ``None``: one where there is a second node."""
    hnsw_m: Annotated[int, Field(ge=2, le=512)] = 16
    """Neighbours of each vector in the graph of a new collection."""
    hnsw_ef_construction: Annotated[int, Field(ge=2, le=3200)] = 100
    """Candidates that are looked at for each vector while the graph of a new collection is built."""

    @model_validator(mode="before")
    @classmethod
    def _take_the_password_out_of_the_url(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        settings = cast("dict[str, Any]", values)
        address = settings.get("url")
        if not isinstance(address, str) or "@" not in address:
            return settings
        given = urlsplit(address)
        return {
            "username": unquote(given.username or ""),
            "password": unquote(given.password or ""),
            **settings,
            "url": given._replace(netloc=given.netloc.rpartition("@")[2]).geturl(),
        }

    @field_validator("url")
    @classmethod
    def _has_every_part_that_the_driver_wants(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("give it as http://host:port or https://host:port")
        if parts.port is None:
            parts = parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 9200}")
        return parts.geturl().rstrip("/")

    @model_validator(mode="after")
    def _has_one_way_in(self) -> Self:
        if self.api_key is not None and (self.username or self.password):
            raise ValueError("give either api_key, or username and password")
        if bool(self.username) != (self.password is not None and bool(self.password.get_secret_value())):
            raise ValueError("username and password go together")
        return self

    @property
    def address(self) -> str:
        """The server, as errors name it: without any secret."""
        return self.url if self.cloud_id is None else f"the deployment {self.cloud_id.partition(':')[0]!r}"
