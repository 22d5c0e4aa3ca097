"""The collection in Weaviate (its "class") that holds one collection of Medha."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendError
from medha.models import CollectionSpec
from medha.rows import VECTOR_FIELD, metadata_token

if TYPE_CHECKING:
    from medha.models import Metadata
    from medha_weaviate.settings import WeaviateSettings

SCHEMA_VERSION: Final = 1
VECTOR: Final = "question"
"""The name of the vector: that of the question."""
NO_TENANT: Final = "none"
"""The tenant of entries that lack the key."""

_SOUGHT: Final = {"part": "text", "owner": "text", "tokens": "text[]"}
_KEPT: Final = {
    "id": "text",
    "question": "text",
    "normalized_question": "text",
    "generated_query": "text",
    "query_hash": "text",
    "response_summary": "text",
    "template_id": "text",
    "metadata": "text",
    "revision": "text",
    "writer": "text",
    "rated": "boolean",
    "created_at": "number",
    "expires_at": "number",
    "feedback_correct": "int",
    "feedback_incorrect": "int",
    VECTOR_FIELD: "blob",
}
# Weaviate keeps these words for itself; ``id`` is one
ENGINE_NAMES: Final = {"id": "entry_id"}


def class_name(collection: str, prefix: str) -> str:
    """The name in Weaviate, which wants a capital first and allows few characters; digests do not care."""
    return f"{prefix}_{hashlib.sha256(collection.encode()).hexdigest()[:40]}"


def tenant_of(metadata: Metadata, key: str) -> str:
    """The name of the tenant of an entry; names allow few characters, digests do not care."""
    if key not in metadata:
        return NO_TENANT
    return hashlib.sha256(metadata_token(key, metadata[key]).encode()).hexdigest()[:40]


def new_class(collection: str, spec: CollectionSpec, settings: WeaviateSettings) -> dict[str, Any]:
    """The body of the request that makes the class."""
    about = {
        "collection": collection,
        "dimension": spec.dimension,
        "model_name": spec.model_name,
        "tenant_key": settings.tenant_key,
        "schema": SCHEMA_VERSION,
    }
    body: dict[str, Any] = {
        "class": class_name(collection, settings.prefix),
        # the one free text that a class has
        "description": json.dumps({"medha": about}, ensure_ascii=False),
        "properties": [
            *(_property(name, kind, filterable=True) for name, kind in _SOUGHT.items()),
            *(_property(ENGINE_NAMES.get(name, name), kind) for name, kind in _KEPT.items()),
            # never null, so that one comparison tells what lives
            _property("lasts_until", "number", filterable=True) | {"indexRangeFilters": True},
        ],
        "vectorConfig": {
            VECTOR: {
                "vectorizer": {"none": {}},
                "vectorIndexType": settings.index,
                "vectorIndexConfig": {"distance": "cosine"},
            }
        },
        # no word is too common to be compared
        "invertedIndexConfig": {"stopwords": {"preset": "none"}},
    }
    if settings.replicas is not None:
        body["replicationConfig"] = {"factor": settings.replicas}
    if settings.tenant_key is not None:
        body["multiTenancyConfig"] = {"enabled": True, "autoTenantCreation": True, "autoTenantActivation": True}
    return body


def stored_spec(collection: str, name: str, description: str | None, settings: WeaviateSettings) -> CollectionSpec:
    """The spec of the collection in the description of its class."""
    about = _about(description)
    if about.get("schema", 0) > SCHEMA_VERSION:
        raise BackendError(
            f"the collection {name} in Weaviate was written by a newer medha-weaviate (schema {about['schema']}; this "
            f"one knows up to {SCHEMA_VERSION}). Try: pip install --upgrade medha-weaviate"
        )
    if about.get("collection") != collection:
        raise BackendError(
            f"the collection {name} in Weaviate is not the one that Medha made for {collection!r} (its description "
            f"says {description!r:.200}), and was left alone. Set MEDHA_WEAVIATE_PREFIX to another prefix"
        )
    if about.get("tenant_key") != settings.tenant_key:
        raise BackendError(
            f"the collection {collection!r} was made with the tenant key {about.get('tenant_key')!r}, not with "
            f"{settings.tenant_key!r}. Set MEDHA_WEAVIATE_TENANT_KEY to that, or use another collection"
        )
    return CollectionSpec(dimension=about["dimension"], model_name=about["model_name"])


def _about(description: str | None) -> dict[str, Any]:
    try:
        return json.loads(description or "{}")["medha"]
    except (ValueError, TypeError, LookupError):
        return {}


def _property(name: str, kind: str, *, filterable: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "dataType": [kind], "indexFilterable": filterable}
    if kind.startswith("text"):
        # the whole text as one token, as it is written: ``word`` would find "a b" for "B-a"
        made |= {"tokenization": "field", "indexSearchable": False}
    return made
