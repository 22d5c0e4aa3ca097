"""Collections as Chroma keeps them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from medha.errors import BackendError
from medha.models import CollectionSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha_chroma.settings import ChromaSettings


def engine_name(prefix: str, collection: str) -> str:
    """The name of the collection in Chroma: names that differ in anything have different ones."""
    return f"{prefix}_{hashlib.sha256(collection.encode()).hexdigest()}"


def description(collection: str, spec: CollectionSpec) -> dict[str, Any]:
    """What stands beside the collection: whose it is, and what it was made for."""
    return {"collection": collection, "dimension": spec.dimension, "model_name": spec.model_name}


def configuration(settings: ChromaSettings) -> dict[str, Any]:
    """How a new collection is indexed."""
    # the inner product of unit vectors is their cosine; the space "cosine" would store other bits than it was given
    return {
        "hnsw": {
            "space": "ip",
            "ef_search": settings.ef_search,
            "ef_construction": settings.ef_construction,
            "max_neighbors": settings.max_neighbors,
        }
    }


def spec_of(stored: Mapping[str, Any] | None, doing: str) -> CollectionSpec:
    """What the collection was made for."""
    try:
        described = stored or {}
        return CollectionSpec(dimension=int(described["dimension"]), model_name=str(described["model_name"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise BackendError(
            f"{doing}: it does not say which model it was made for. Another tool has made it, or changed its metadata: "
            "restore them, or drop the collection"
        ) from exc
