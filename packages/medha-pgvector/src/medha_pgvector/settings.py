"""The settings of the two backends on PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Positive = Annotated[int, Field(ge=1)]


class PostgresSettings(BaseSettings):
    """What the two backends share: where the server is, and when an index is made."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    url: SecretStr = SecretStr("postgresql://localhost:5432/postgres")
    """The database: a URL or a ``key=value`` connection string, as libpq takes it."""
    password: SecretStr | None = None
    """Wins over the one in ``url``."""
    schema_name: Annotated[str, Field(min_length=1, max_length=63)] = "medha"
    """The schema that holds Medha's tables; two installations on one database take two. Made where there is none."""
    pool_size: Positive = 8
    """The most connections that are open at a time; they are opened when they are needed."""
    connect_timeout: Positive = 5
    """Seconds to wait for a connection, unless ``url`` says ``connect_timeout`` itself."""
    index: Literal["auto", "none"] = "auto"
    """``auto`` makes a vector index from ``index_from_rows`` entries on; ``none`` keeps every search exact."""
    index_from_rows: Positive = 10_000
    """Below so many entries, collections have no vector index and searches are exact."""
    index_delay: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 5.0
    """Seconds without bulk writes before an index is begun, so that a load is indexed once and at its end."""
    metadata_index: bool = False
    """Make a GIN index on the metadata of each collection that is opened: faster conditions, slower writes."""


class PgvectorSettings(PostgresSettings):
    """Settings of the backend ``pgvector``; each is also the variable ``MEDHA_PGVECTOR_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_PGVECTOR_")

    hnsw_m: Annotated[int, Field(ge=2, le=100)] = 16
    """Neighbours of each entry in an index that is made from now on."""
    hnsw_ef_construction: Annotated[int, Field(ge=4, le=1000)] = 64
    """Candidates considered for each entry when an index is made: more is better and slower."""
    hnsw_ef_search: Annotated[int, Field(ge=1, le=1000)] = 40
    """Candidates considered by a search: more finds more of the true neighbours, and is slower."""
    hnsw_max_scan_tuples: Positive = 5000
    """Entries that a search looks at in the index for enough that match its conditions, before it searches exactly."""

    @model_validator(mode="after")
    def _constructible(self) -> Self:
        if self.hnsw_ef_construction < 2 * self.hnsw_m:
            raise ValueError(
                f"hnsw_ef_construction ({self.hnsw_ef_construction}) must be at least twice hnsw_m ({self.hnsw_m})"
            )
        return self


class VectorchordSettings(PostgresSettings):
    """Settings of the backend ``vectorchord``; each is also the variable ``MEDHA_VECTORCHORD_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_VECTORCHORD_")

    residual_quantization: bool = False
    """Quantize what is left of a vector after its list's centre is taken away."""
    lists: tuple[Positive, ...] = ()
    """Partitions of an index that is made from now on, level by level; none up to some 100,000 entries."""
    probes: tuple[Positive, ...] = ()
    """Lists that a search looks into, one number for each in ``lists``."""
    epsilon: Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)] = 1.9
    """How far a search trusts the quantized vectors: more finds more of the true neighbours, and is slower."""

    @model_validator(mode="after")
    def _one_probe_for_each_list(self) -> Self:
        if len(self.probes) != len(self.lists):
            raise ValueError(
                f"probes has {len(self.probes)} numbers and lists {len(self.lists)}; give one probe for each of lists"
            )
        return self
