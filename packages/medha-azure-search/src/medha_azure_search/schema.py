"""The index that holds one collection."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    HnswParameters,
    SearchField,
    SearchIndex,
    VectorSearch,
    VectorSearchProfile,
)

from medha.errors import BackendError
from medha.models import CollectionSpec

if TYPE_CHECKING:
    from medha_azure_search.settings import AzureSearchSettings

SCHEMA_VERSION: Final = 1

_ALGORITHM: Final = "graph"
_PROFILE: Final = "questions"
_SOUGHT: Final = {
    "part": "Edm.String",
    "owner": "Edm.String",
    "version": "Edm.String",
    "tokens": "Collection(Edm.String)",
    "rated": "Edm.Boolean",
    "expires_at": "Edm.Double",
}
_KEPT: Final = {
    "revision": "Edm.String",
    "writer": "Edm.String",
    "feedback_correct": "Edm.Int64",
    "feedback_incorrect": "Edm.Int64",
    "entry": "Edm.String",
    "vector_bits": "Edm.String",
}


def index_name(collection: str, prefix: str) -> str:
    """The name of the index, which knows lower case alone and allows few characters; digests do not care."""
    return f"{prefix}-{hashlib.sha256(collection.encode()).hexdigest()[:40]}"


def new_index(collection: str, spec: CollectionSpec, settings: AzureSearchSettings) -> SearchIndex:
    """The definition of the index."""
    about = {
        "collection": collection,
        "dimension": spec.dimension,
        "model_name": spec.model_name,
        "schema": SCHEMA_VERSION,
    }
    return SearchIndex(
        name=index_name(collection, settings.prefix),
        # the one free text that an index has
        description=json.dumps({"medha": about}, ensure_ascii=False),
        fields=[
            _field("key", "Edm.String", key=True, filterable=True, sortable=True),
            *(_field(name, kind, filterable=True) for name, kind in _SOUGHT.items()),
            *(_field(name, kind) for name, kind in _KEPT.items()),
            SearchField(
                name="vector",
                type="Collection(Edm.Single)",
                searchable=True,
                hidden=True,
                # kept beside the graph: without that, a merge of another field loses the vector
                stored=True,
                vector_search_dimensions=spec.dimension,
                vector_search_profile_name=_PROFILE,
            ),
        ],
        vector_search=VectorSearch(
            profiles=[VectorSearchProfile(name=_PROFILE, algorithm_configuration_name=_ALGORITHM)],
            algorithms=[
                HnswAlgorithmConfiguration(
                    name=_ALGORITHM,
                    parameters=HnswParameters(
                        m=settings.hnsw_m,
                        ef_construction=settings.hnsw_ef_construction,
                        ef_search=settings.hnsw_ef_search,
                        metric="cosine",
                    ),
                )
            ],
        ),
    )


def stored_spec(collection: str, index: SearchIndex) -> CollectionSpec:
    """The spec of the collection in the description of its index."""
    about = _about(index.description)
    if about.get("schema", 0) > SCHEMA_VERSION:
        raise BackendError(
            f"the index {index.name} was written by a newer medha-azure-search (schema {about['schema']}; this one "
            f"knows up to {SCHEMA_VERSION}). Try: pip install --upgrade medha-azure-search"
        )
    if about.get("collection") != collection:
        raise BackendError(
            f"the index {index.name} is not the one that Medha made for the collection {collection!r} (its description "
            f"says {index.description!r:.200}), and was left alone. Set MEDHA_AZURE_SEARCH_PREFIX to another prefix"
        )
    return CollectionSpec(dimension=about["dimension"], model_name=about["model_name"])


def _about(description: str | None) -> dict[str, Any]:
    try:
        return json.loads(description or "{}")["medha"]
    except (ValueError, TypeError, LookupError):
        return {}


def _field(name: str, kind: str, *, key: bool = False, filterable: bool = False, sortable: bool = False) -> SearchField:
    # said one by one, for what is not said is on
    return SearchField(
        name=name,
        type=kind,
        key=key,
        hidden=False,
        searchable=False,
        filterable=filterable,
        sortable=sortable,
        facetable=False,
    )
