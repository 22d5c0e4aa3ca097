"""What is refused: requests that hold anything else than the vendor's schema, or more than this server understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

API_VERSIONS: Final = {"2025-09-01", "2026-04-01"}
INDEX_NAME: Final = re.compile(r"(?!.*(--|__))[a-z0-9][a-z0-9_-]{1,127}")
FIELD_NAME: Final = re.compile(r"(?!azureSearch)[A-Za-z][A-Za-z0-9_]{0,127}")
KEY: Final = re.compile(r"[A-Za-z0-9=-][A-Za-z0-9_=-]{0,1023}")
LONGEST_TERM: Final = 32_766

VECTOR: Final = "Collection(Edm.Single)"
TYPES: Final = {
    "Edm.String", "Edm.Int64", "Edm.Double", "Edm.Boolean", "Collection(Edm.String)", VECTOR,
}  # fmt: skip
FIELD_KEYS: Final = {
    "name", "type", "key", "retrievable", "stored", "searchable", "filterable", "sortable", "facetable", "dimensions",
    "vectorSearchProfile",
}  # fmt: skip
_HNSW: Final = {"m": (4, 10), "efConstruction": (100, 1000), "efSearch": (100, 1000)}


class RefusedError(Exception):
    """A request that the service would not take, with the status of its answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def only(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse what the schema does not have."""
    unknown = set(given) - set(known)
    if unknown:
        raise RefusedError(f"The parameter {', '.join(sorted(unknown))} in {where} is not a recognized parameter.")


def check_query(query: Mapping[str, str]) -> None:
    """Refuse a request without a version of the API that is known, or with more."""
    only(query, {"api-version"}, "query")
    if query.get("api-version") not in API_VERSIONS:
        raise RefusedError("Invalid or missing api-version query string parameter.")


def check_index(body: Mapping[str, Any]) -> None:
    """Refuse an index that cannot be made."""
    only(body, {"name", "description", "fields", "vectorSearch"}, "index")
    if not INDEX_NAME.fullmatch(body["name"]):
        raise RefusedError("Index name must only contain lowercase letters, digits or dashes ...")
    if not isinstance(body.get("description", ""), str):
        raise RefusedError("The description is no string.")
    vector_search = body.get("vectorSearch", {})
    only(vector_search, {"profiles", "algorithms"}, "vectorSearch")
    algorithms = {_checked_algorithm(algorithm) for algorithm in vector_search.get("algorithms", [])}
    profiles: set[str] = set()
    for profile in vector_search.get("profiles", []):
        only(profile, {"name", "algorithm"}, "profile")
        if profile["algorithm"] not in algorithms:
            raise RefusedError(f"The algorithm {profile['algorithm']!r} of the profile does not exist.")
        profiles.add(profile["name"])
    for field in body["fields"]:
        _check_field(field, profiles)
    if [field["type"] for field in body["fields"] if field.get("key")] != ["Edm.String"]:
        raise RefusedError("The index must have exactly one key field, of type Edm.String.")


def _checked_algorithm(algorithm: Mapping[str, Any]) -> str:
    only(algorithm, {"name", "kind", "hnswParameters"}, "algorithm")
    if algorithm["kind"] != "hnsw":
        raise RefusedError("This server knows the kind hnsw alone.")
    parameters = algorithm["hnswParameters"]
    only(parameters, {*_HNSW, "metric"}, "hnswParameters")
    for name, (least, most) in _HNSW.items():
        if not least <= parameters.get(name, least) <= most:
            raise RefusedError(f"The parameter {name} must be between {least} and {most}.")
    if parameters["metric"] != "cosine":
        raise RefusedError("This server compares by cosine alone.")
    return algorithm["name"]


def _check_field(field: Mapping[str, Any], profiles: set[str]) -> None:
    name, kind = field["name"], field["type"]
    only(field, FIELD_KEYS, f"field {name}")
    if not FIELD_NAME.fullmatch(name) or kind not in TYPES:
        raise RefusedError(f"The field {name!r} has a name or a type ({kind}) that is not allowed.")
    if kind == VECTOR:
        if not 2 <= field.get("dimensions", 0) <= 4096 or field.get("vectorSearchProfile") not in profiles:
            raise RefusedError(f"The vector field {name!r} must have 2 to 4096 dimensions, and a profile that exists.")
        if not field.get("searchable") or any(field.get(on) for on in ("filterable", "sortable", "facetable", "key")):
            raise RefusedError(f"The vector field {name!r} must be searchable, and nothing else.")
        return
    if "dimensions" in field or "stored" in field:
        raise RefusedError(f"The field {name!r} is no vector field.")
    if field.get("searchable") and "Edm.String" not in kind:
        raise RefusedError(f"The field {name!r} of type {kind} cannot be searchable.")
    if field.get("sortable") and kind.startswith("Collection"):
        raise RefusedError(f"The field {name!r} is a collection and cannot be sortable.")
