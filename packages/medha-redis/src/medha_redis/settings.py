"""The settings of the redis backend and of the redis L1 cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
KeyPrefix = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:/-]+$")]


class ConnectionSettings(BaseSettings):
    """Where Redis is, and how to speak to it."""

    url: str = "redis://127.0.0.1:6379/0"
    """``redis://host:port/db``, ``rediss://`` for TLS, or ``unix://path``. A user and password in it move to the two
    settings below, and are shown nowhere."""
    username: str | None = None
    """The ACL user; none for the default user."""
    password: SecretStr | None = None
    """The user's password."""
    sentinels: Annotated[tuple[str, ...], NoDecode] = ()
    """``host:port`` of each Sentinel, separated by commas. The url then gives TLS and the database number only."""
    sentinel_master: str = "mymaster"
    """The name under which the Sentinels know the master."""
    sentinel_username: str | None = None
    """The ACL user on the Sentinels."""
    sentinel_password: SecretStr | None = None
    """That user's password."""
    tls_ca_file: Path | None = None
    """The certificates to trust, for ``rediss://``; none for those of the system."""
    tls_cert_file: Path | None = None
    """The client's own certificate, where the server asks for one."""
    tls_key_file: Path | None = None
    """The key of that certificate."""
    connect_timeout: Seconds = 5.0
    """Seconds to wait for a connection."""
    timeout: Seconds = 60.0
    """Seconds to wait for an answer; Medha's own deadline is usually shorter. A large batch is one answer."""
    max_connections: Annotated[int, Field(ge=1, le=10_000)] = 16
    """Connections at most; further calls wait for a free one."""

    @model_validator(mode="before")
    @classmethod
    def _take_the_secret_out_of_the_url(cls, values: Any) -> Any:
        given = cast("dict[str, Any]", values)
        url = given.get("url")
        if not isinstance(url, str) or "@" not in url:
            return given
        scheme, _, rest = url.partition("://")
        login, _, place = rest.rpartition("@")
        username, _, password = login.partition(":")
        login_values = {"username": unquote(username) or None, "password": unquote(password) or None}
        return {**{k: v for k, v in login_values.items() if v}, **given, "url": f"{scheme}://{place}"}

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("it must begin with redis://, rediss:// or unix://")
        if parts.query or parts.fragment:
            raise ValueError("it must not have a query or a fragment; use the settings instead")
        if parts.scheme != "unix":
            database = parts.path.strip("/")
            if database and not database.isdecimal():
                raise ValueError("its path must be a database number, as in redis://127.0.0.1:6379/0")
            _ = parts.port  # refuses what is no port
        return url

    @field_validator("sentinels", mode="before")
    @classmethod
    def _split(cls, sentinels: Any) -> Any:
        if isinstance(sentinels, str):
            return tuple(part.strip() for part in sentinels.split(",") if part.strip())
        return sentinels

    @field_validator("sentinels")
    @classmethod
    def _are_addresses(cls, sentinels: tuple[str, ...]) -> tuple[str, ...]:
        for address in sentinels:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"{address!r} is not host:port")
        return sentinels


class RedisSettings(ConnectionSettings):
    """Settings of the backend; each is also the variable ``MEDHA_REDIS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_REDIS_", frozen=True, extra="forbid", hide_input_in_errors=True)

    prefix: KeyPrefix = "medha:"
    """What every key and index begins with; two installations with two prefixes share a server."""
    engine: Literal["auto", "search", "vector_sets"] = "auto"
    """What finds vectors: the search module, or the vector sets of Redis 8; ``auto`` takes the first that is there."""
    index: Literal["hnsw", "flat"] = "hnsw"
    """``hnsw`` is approximate and fast; ``flat`` compares every vector. A collection keeps what it was made with."""
    hnsw_m: Annotated[int, Field(ge=4, le=512)] = 16
    """Links of each vector; more find more and take more memory."""
    hnsw_ef_construction: Annotated[int, Field(ge=4, le=4096)] = 200
    """Candidates looked at when a vector is added."""
    hnsw_ef_runtime: Annotated[int, Field(ge=1, le=4096)] = 64
    """Candidates looked at by a search; more find more and take longer."""


class RedisL1Settings(ConnectionSettings):
    """Settings of the L1 cache; each is also the variable ``MEDHA_REDIS_L1_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix="MEDHA_REDIS_L1_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    prefix: KeyPrefix = "medha-l1:"
    """What every key begins with; caches that share answers have the same."""
    max_age: Annotated[float, Field(gt=0, le=315_360_000, allow_inf_nan=False)] = 86_400.0
    """Seconds after which an answer is let go, however long its entry lives."""
    max_size: Annotated[int, Field(ge=1)] | None = None
    """Answers kept per collection; the longest unused leave first. None leaves it to the server's ``maxmemory``."""
