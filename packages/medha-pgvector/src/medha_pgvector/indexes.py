"""The two kinds of vector index: all in which pgvector and VectorChord differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medha_pgvector import statements

if TYPE_CHECKING:
    from typing import LiteralString

    from medha_pgvector.settings import PgvectorSettings, VectorchordSettings

_MAKE: Final = "CREATE INDEX CONCURRENTLY IF NOT EXISTS {index_name} ON {entries} USING "
_HALF: Final = "(embedding::{vector_schema}.halfvec({dimension}))"
LARGEST_VECTOR_INDEXED: Final = 2000
"""By HNSW. What is larger is indexed at half the precision, and compared at the full one."""
LARGEST_HALFVEC_INDEXED: Final = 4000


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How an index is made and asked; the templates are of the same kind as those in ``statements``."""

    extension: str
    oldest_version: tuple[int, int]
    largest_dimension: int
    make: LiteralString
    make_half: LiteralString
    nearness_half: LiteralString
    tuned: tuple[tuple[str, str], ...]
    """Settings of the server for the time of a search."""
    options: tuple[tuple[str, str | int], ...]
    """Of the index itself."""

    def halved(self, dimension: int) -> bool:
        """Whether vectors of the dimension are indexed at half the precision."""
        return dimension > LARGEST_VECTOR_INDEXED and self.make_half != self.make


def hnsw(settings: PgvectorSettings) -> VectorIndex:
    """The index of pgvector; 0.8 brought the iterative scan."""
    return VectorIndex(
        extension="vector",
        oldest_version=(0, 8),
        largest_dimension=LARGEST_HALFVEC_INDEXED,
        make=_MAKE + "hnsw (embedding {index_schema}.vector_cosine_ops) WITH ({options})",
        make_half=_MAKE + "hnsw (" + _HALF + " {index_schema}.halfvec_cosine_ops) WITH ({options})",
        nearness_half=_HALF + " OPERATOR({vector_schema}.<=>) "
        "(%(vector)b::{vector_schema}.vector::{vector_schema}.halfvec({dimension}))",
        # in any order, since the statement sorts: a strict one drops what comes late
        tuned=(
            ("hnsw.iterative_scan", "relaxed_order"),
            ("hnsw.ef_search", str(settings.hnsw_ef_search)),
            ("hnsw.max_scan_tuples", str(settings.hnsw_max_scan_tuples)),
        ),
        options=(("m", settings.hnsw_m), ("ef_construction", settings.hnsw_ef_construction)),
    )


def vchordrq(settings: VectorchordSettings) -> VectorIndex:
    """The index of VectorChord, which takes vectors of every dimension that pgvector stores."""
    make = _MAKE + "vchordrq (embedding {index_schema}.vector_cosine_ops) WITH ({options})"
    options = (
        f"residual_quantization = {str(settings.residual_quantization).lower()}\n"
        f"[build.internal]\nlists = {list(settings.lists)}\nspherical_centroids = true\n"
    )
    return VectorIndex(
        extension="vchord",
        oldest_version=(0, 3),
        largest_dimension=16_000,
        make=make,
        make_half=make,
        nearness_half=statements.DISTANCE,
        tuned=(
            ("vchordrq.probes", ",".join(map(str, settings.probes))),
            ("vchordrq.epsilon", str(settings.epsilon)),
        ),
        options=(("options", options),),
    )
