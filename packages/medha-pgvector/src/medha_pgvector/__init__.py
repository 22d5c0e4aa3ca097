"""PostgreSQL with pgvector or VectorChord as a backend of Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_pgvector.settings import PgvectorSettings, VectorchordSettings

if TYPE_CHECKING:
    from medha_pgvector.backend import PgvectorBackend, VectorchordBackend

__all__ = ["PgvectorBackend", "PgvectorSettings", "VectorchordBackend", "VectorchordSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for numpy and psycopg
    if name in {"PgvectorBackend", "VectorchordBackend"}:
        from medha_pgvector import backend

        return getattr(backend, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
