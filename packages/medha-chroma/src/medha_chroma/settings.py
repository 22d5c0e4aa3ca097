"""The settings of the chroma backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChromaSettings(BaseSettings):
    """Where Chroma is and how it keeps entries; each setting is also the variable ``MEDHA_CHROMA_<NAME>``."""

    # a wrong url may hold a password, which an error must not show
    model_config = SettingsConfigDict(
        env_prefix="MEDHA_CHROMA_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    mode: Literal["server", "path", "memory"] = "server"
    """``server`` talks to ``url``; ``path`` and ``memory`` run Chroma's engine in this process, with the files in
    ``path`` or with none."""
    url: str = "http://localhost:8000"
    """The server's address; https for TLS, whose certificate is verified."""
    token: SecretStr | None = None
    """Sent with every request, in the header that ``token_header`` names."""
    token_header: Literal["Authorization", "X-Chroma-Token"] = "Authorization"  # noqa: S105 - the name of a header
    """``Authorization`` sends ``Bearer <token>``; Chroma's cloud wants ``X-Chroma-Token``."""
    tenant: Annotated[str, Field(min_length=1)] = "default_tenant"
    database: Annotated[str, Field(min_length=1)] = "default_database"
    path: Path | None = None
    """The folder of the mode ``path``; it is made when it is not there."""
    timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 60.0
    """Seconds until a request to the server is given up; Medha's own deadline usually ends it sooner."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] = "medha"
    """What the engine's collection names begin with; two installations in one database have different ones."""
    ef_search: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Of collections made from now on: how many candidates a search weighs. More finds more, and takes longer."""
    ef_construction: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Of collections made from now on: how many neighbours are weighed when an entry is stored."""
    max_neighbors: Annotated[int, Field(ge=2, le=1000)] = 16
    """Of collections made from now on: to how many neighbours an entry is linked."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be like http://localhost:8000 or https://host:443")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password; a token goes into token (MEDHA_CHROMA_TOKEN)")
        return url

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not all("!" <= sign <= "~" for sign in token.get_secret_value()):
            raise ValueError("must be printable ASCII without blanks, as a header can carry it")
        return token

    @model_validator(mode="after")
    def _fits_the_mode(self) -> Self:
        if self.mode == "path" and self.path is None:
            raise ValueError("mode 'path' needs path (MEDHA_CHROMA_PATH), the folder to keep collections in")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request: the secret is in it."""
        if self.token is None:
            return {}
        secret = self.token.get_secret_value()
        return {self.token_header: f"Bearer {secret}" if self.token_header == "Authorization" else secret}  # noqa: S105

    @property
    def place(self) -> str:
        """Where the engine is, as messages name it."""
        if self.mode == "memory":
            return "memory"
        if self.mode == "path":
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
