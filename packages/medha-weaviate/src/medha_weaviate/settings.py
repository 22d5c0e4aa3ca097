"""The settings of the weaviate backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_GRPC_PORT = 50051

Port = Annotated[int, Field(ge=1, le=65535)]


class WeaviateSettings(BaseSettings):
    """Where Weaviate is and how it keeps entries; each setting is also the variable ``MEDHA_WEAVIATE_<NAME>``."""

    # a wrong url may hold a password, which an error must not show
    model_config = SettingsConfigDict(
        env_prefix="MEDHA_WEAVIATE_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    mode: Literal["local", "cloud", "embedded"] = "local"
    """``local``: a server of one's own, at ``url``. ``cloud``: Weaviate Cloud at ``url``, which insists on https and a
    key. ``embedded``: the driver downloads the server once, and runs it beside this process."""
    url: str = "http://localhost:8080"
    """The REST address; https for TLS, also of gRPC."""
    grpc_host: str | None = None
    """The host of gRPC, where it is not that of ``url``."""
    grpc_port: Port | None = None
    """By default 50051, or the port of ``url`` where gRPC has a host of its own."""
    api_key: SecretStr | None = None
    path: Path | None = None
    """The folder in which the embedded server keeps collections."""
    embedded_version: str | None = None
    """The version of the embedded server; by default the one that the driver was made for."""
    embedded_port: Port = 8079
    embedded_grpc_port: Port = 50060
    prefix: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")] = "Medha"
    """What the names in Weaviate begin with: a capital letter, then letters and digits. Two installations on one
    server have different ones."""
    timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 30.0
    """Seconds until a call is given up; Medha's own deadline usually ends it sooner."""
    consistency: Literal["ALL", "QUORUM"] = "ALL"
    """How many copies have a write before it returns, where collections are replicated. Searches ask one copy: only
    ``ALL`` makes sure that they see it; ``QUORUM`` takes writes while a minority of the copies is down."""
    replicas: Annotated[int, Field(ge=1, le=100)] | None = None
    """Copies of a collection made from now on; ``None``: as the server is set."""
    index: Literal["hnsw", "flat"] = "hnsw"
    """Of collections made from now on. ``flat`` compares every vector: exact, and slow above some 100,000 entries."""
    tenant_key: Annotated[str, Field(min_length=1)] | None = None
    """The metadata key whose values are tenants in Weaviate, of collections made from now on: each has its own shard.
    A lookup whose scope has the key asks its tenant alone; any other call asks every tenant."""
    max_request_bytes: Annotated[int, Field(ge=1_000, le=2**31 - 1)] = 8_000_000
    """About the largest batch that is sent as one request; the server takes up to ``GRPC_MAX_MESSAGE_SIZE``."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be like http://localhost:8080 or https://host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password; the key goes into api_key (MEDHA_WEAVIATE_API_KEY)")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fits_the_mode(self) -> Self:
        if self.mode == "cloud" and (self.api_key is None or self._address.scheme != "https"):
            raise ValueError(
                "mode 'cloud' needs an https url (MEDHA_WEAVIATE_URL) and api_key (MEDHA_WEAVIATE_API_KEY)"
            )
        if self.mode == "embedded" and self.path is None:
            raise ValueError("mode 'embedded' needs path (MEDHA_WEAVIATE_PATH), the folder to keep collections in")
        if self.mode != "embedded" and self.rest_endpoint == self.grpc_endpoint:
            raise ValueError("gRPC cannot be at the very address of url; set grpc_port (MEDHA_WEAVIATE_GRPC_PORT)")
        return self

    @property
    def secure(self) -> bool:
        """Whether both ways go over TLS."""
        return self._address.scheme == "https"

    @property
    def rest_endpoint(self) -> tuple[str, int]:
        """Host and port of REST."""
        return self._address.hostname or "", self._address.port or (443 if self.secure else 80)

    @property
    def grpc_endpoint(self) -> tuple[str, int]:
        """Host and port of gRPC."""
        host, port = self.rest_endpoint
        if self.grpc_host is not None:
            return self.grpc_host, self.grpc_port or port
        return host, self.grpc_port or _GRPC_PORT

    @property
    def place(self) -> str:
        """Where the engine is, as messages name it."""
        return f"the embedded server in {self.path}" if self.mode == "embedded" else self.url

    @property
    def _address(self) -> SplitResult:
        return urlsplit(self.url)
