"""The settings of the lancedb backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_REMOTE = {"s3", "s3+ddb", "gs", "az", "abfss"}


class LanceSettings(BaseSettings):
    """Where the tables are and how they are kept; each setting is also the variable ``MEDHA_LANCEDB_<NAME>``."""

    # a wrong uri may hold a password, which an error must not show
    model_config = SettingsConfigDict(
        env_prefix="MEDHA_LANCEDB_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    uri: str = "medha-lancedb"
    """A local folder, which is made when it is not there, or ``s3://bucket/folder``, ``gs://...``, ``az://...``."""
    storage_options: dict[str, SecretStr] = {}
    """What the object store wants: keys, region, endpoint ... as LanceDB calls them."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "medha"
    """What the names of the tables begin with; two installations in one place have different ones."""
    exact: bool = False
    """Compare every vector, instead of searching the index of a large table."""
    index_from: Annotated[int, Field(ge=256)] = 50_000
    """The rows from which on a table gets an index."""
    nprobes: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many parts of the index a search looks at. More finds more, and takes longer."""
    compact_after: Annotated[int, Field(ge=2, le=10_000)] = 20
    """How many commits of this process leave small files before they are put together; of large tables more."""
    keep_versions: Annotated[float, Field(ge=1, le=31 * 86_400, allow_inf_nan=False)] = 10.0
    """Seconds for which replaced files are kept, so that readers of other processes come to their end."""
    retries: Annotated[int, Field(ge=0, le=1000)] = 20
    """How often a commit is tried again when other processes were faster."""

    write_ahead: bool = True
    """Keep single stores of a local folder in a file of their own, which is merged into the table now and then."""
    merge_after: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """How many single stores are kept there before they are merged. Each is compared by every search."""
    synchronous: Literal["full", "normal"] = "normal"
    """``normal``: what was stored survives every crash of the process, and a power cut may take the last stores.
    ``full``: it is on the disk of a local folder before the store returns, and waits for that."""

    @field_validator("uri")
    @classmethod
    def _is_a_place(cls, uri: str) -> str:
        if "://" not in uri:
            return str(Path(uri).expanduser())
        parts = urlsplit(uri)
        if parts.scheme == "db":
            raise ValueError("is LanceDB Cloud, which this backend does not speak; use a folder or an object store")
        if parts.scheme not in _REMOTE or not parts.hostname:
            raise ValueError("must be a local folder, or like s3://bucket/folder, gs://bucket/folder, az://container")
        if parts.username is not None or parts.password is not None or parts.query:
            raise ValueError("must hold no key and no password; they go into storage_options")
        return uri

    @property
    def local(self) -> bool:
        """Whether the tables are in a folder of this machine."""
        return "://" not in self.uri
