"""The settings of the qdrant backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_REST_PORT = 6333


class QdrantSettings(BaseSettings):
    """Where Qdrant is and how it keeps entries; each setting is also the variable ``MEDHA_QDRANT_<NAME>``."""

    # a wrong url may hold a password, which an error must not show
    model_config = SettingsConfigDict(
        env_prefix="MEDHA_QDRANT_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    mode: Literal["server", "cloud", "path", "memory"] = "server"
    """``server`` and ``cloud`` (which insists on https and a key) talk to ``url``; ``path`` and ``memory`` run the
    driver's own small Qdrant in this process, with the files in ``path`` or with none."""
    url: str = f"http://localhost:{_REST_PORT}"
    """The server's REST address; https for TLS, also of gRPC."""
    api_key: SecretStr | None = None
    prefer_grpc: bool = True
    """Speak gRPC: several times faster than REST, and without its limit of 32 MB a request."""
    grpc_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """By default the port after that of ``url``."""
    path: Path | None = None
    """The folder of the mode ``path``; it is made when it is not there."""
    timeout: Annotated[int, Field(ge=1, le=3600)] = 30
    """Seconds until the driver gives up a request; Medha's own deadline usually ends it sooner."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "medha"
    """What the engine's collection names begin with; two installations on one server have different ones."""
    exact: bool = False
    """Compare every vector, instead of searching the HNSW index that Qdrant makes for large collections."""
    quantization: Literal["none", "scalar", "binary"] = "none"
    """Of collections made from now on: keep small copies of the vectors in memory for a first, rough search."""
    oversampling: Annotated[float, Field(ge=1, le=100)] = 2.0
    """How many times as many candidates the rough search finds; they are compared anew with the full vectors."""
    on_disk: bool = False
    """Of collections made from now on: leave vectors and their index on disk; memory is only the file cache."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be like http://localhost:6333 or https://host:6333")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password; the key goes into api_key (MEDHA_QDRANT_API_KEY)")
        return url

    @model_validator(mode="after")
    def _fits_the_mode(self) -> Self:
        if self.mode == "path" and self.path is None:
            raise ValueError("mode 'path' needs path (MEDHA_QDRANT_PATH), the folder to keep collections in")
        if self.mode == "cloud" and (self.api_key is None or urlsplit(self.url).scheme != "https"):
            raise ValueError("mode 'cloud' needs an https url (MEDHA_QDRANT_URL) and api_key (MEDHA_QDRANT_API_KEY)")
        return self

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return self.mode in {"path", "memory"}

    @property
    def ports(self) -> tuple[int, int]:
        """Of REST and of gRPC."""
        rest = self._address.port or _REST_PORT
        return rest, self.grpc_port or rest + 1

    @property
    def place(self) -> str:
        """Where the engine is, as messages name it."""
        if self.mode == "memory":
            return "memory"
        if self.mode == "path":
            return str(self.path)
        rest, grpc = self.ports
        scheme, host = self._address.scheme, self._address.hostname
        return f"{scheme}://{host}:{grpc} (gRPC)" if self.prefer_grpc else f"{scheme}://{host}:{rest}"

    @property
    def _address(self) -> SplitResult:
        return urlsplit(self.url)
