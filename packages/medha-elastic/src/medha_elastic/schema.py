"""The index that holds one collection."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendError
from medha.models import CollectionSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha_elastic.settings import ElasticsearchSettings

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Names:
    """What a collection is called on the cluster: its index, and the alias that every request goes to.

    Writes insist on an alias, so that none of them makes a collection that was dropped anew, without its mapping.
    """

    collection: str
    index: str
    alias: str


def names_of(collection: str, prefix: str) -> Names:
    """The names; index names cannot tell upper from lower case and forbid many characters, digests do not care."""
    index = f"{prefix}-{hashlib.sha256(collection.encode()).hexdigest()[:40]}"
    return Names(collection, index, f"{index}-entries")


def new_index(names: Names, spec: CollectionSpec, settings: ElasticsearchSettings) -> dict[str, Any]:
    """The body of the request that makes the index."""
    copies: dict[str, Any] = (
        {"auto_expand_replicas": "0-1"} if settings.replicas is None else {"number_of_replicas": settings.replicas}
    )
    return {
        "aliases": {names.alias: {}},
        "settings": {
            # a batch goes to one shard, which takes it whole and shows it in one moment
            "number_of_shards": 1,
            **copies,
            # every write refreshes before it returns, so there is nothing left to do every second
            "refresh_interval": "-1",
            "translog.durability": "request",
        },
        "mappings": {
            "dynamic": False,
            "_meta": {
                "medha": {
                    "collection": names.collection,
                    "dimension": spec.dimension,
                    "model_name": spec.model_name,
                    "schema": SCHEMA_VERSION,
                }
            },
            "properties": {
                "id": {"type": "keyword"},
                "tokens": {"type": "keyword", "doc_values": False},
                "expires_at": {"type": "double"},
                "vector": {
                    "type": "dense_vector",
                    "dims": spec.dimension,
                    "index": True,
                    "similarity": "cosine",
                    # said, for later versions would otherwise keep a few bits of each component
                    "index_options": {
                        "type": "hnsw",
                        "m": settings.hnsw_m,
                        "ef_construction": settings.hnsw_ef_construction,
                    },
                },
                "vector_bits": {"type": "binary"},
            },
        },
    }


def stored_spec(names: Names, response: Mapping[str, Any]) -> CollectionSpec:
    """The spec of the collection in the answer to a request for its mapping."""
    (found,) = response.values()
    about = found["mappings"].get("_meta", {}).get("medha", {})
    if about.get("schema", 0) > SCHEMA_VERSION:
        raise BackendError(
            f"the index {names.index} was written by a newer medha-elastic (schema {about['schema']}; this one knows "
            f"up to {SCHEMA_VERSION}). Try: pip install --upgrade medha-elastic"
        )
    if about.get("collection") != names.collection:
        raise BackendError(
            f"the index {names.index} is not the one that Medha made for the collection {names.collection!r} (its "
            f"mapping says {about!r:.200}), and was left alone. Set MEDHA_ELASTICSEARCH_PREFIX to another prefix"
        )
    return CollectionSpec(dimension=about["dimension"], model_name=about["model_name"])
