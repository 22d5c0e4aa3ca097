"""What is refused: requests that hold anything else than the vendor's schema, or more than this server understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CLASS_NAME: Final = re.compile(r"[A-Z][_0-9A-Za-z]{0,254}")
PROPERTY_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,230}")
TENANT_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
RESERVED: Final = {"id", "_id", "vector", "_additional"}

CLASS_KEYS: Final = {
    "class", "description", "properties", "vectorConfig", "invertedIndexConfig", "replicationConfig",
    "multiTenancyConfig",
}  # fmt: skip
PROPERTY_KEYS: Final = {
    "name", "dataType", "tokenization", "indexFilterable", "indexSearchable", "indexRangeFilters",
}  # fmt: skip
DATA_TYPES: Final = {"text", "text[]", "boolean", "number", "int", "blob"}


class RefusedError(Exception):
    """A request that Weaviate would not take; gRPC says so with the code UNKNOWN, REST with the status."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


def only(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse what the schema does not have."""
    unknown = set(given) - set(known)
    if unknown:
        raise RefusedError(f"{where}: unknown {', '.join(sorted(unknown))}")


def only_fields(message: Any, known: Collection[str]) -> None:
    """Refuse a message with any other field set, or with bytes that are no field of it."""
    others = {field.name for field, _ in message.ListFields()} - set(known)
    if others:
        raise RefusedError(f"{message.DESCRIPTOR.name}: this server does not know {', '.join(sorted(others))}")


def check_class(body: Mapping[str, Any]) -> None:
    """Refuse a class that cannot be made."""
    only(body, CLASS_KEYS, "class")
    if not CLASS_NAME.fullmatch(body["class"]):
        raise RefusedError(f"'{body['class']}' is not a valid class name")
    if not isinstance(body.get("description", ""), str):
        raise RefusedError("description is no string", 400)
    names: set[str] = set()
    for prop in body["properties"]:
        _check_property(prop)
        if prop["name"].lower() in names:
            raise RefusedError(f"conflict for property '{prop['name']}': already in use")
        names.add(prop["name"].lower())
    for name, vector in body["vectorConfig"].items():
        only(vector, {"vectorizer", "vectorIndexType", "vectorIndexConfig"}, f"vectorConfig.{name}")
        if vector["vectorizer"] != {"none": {}} or vector["vectorIndexType"] not in {"hnsw", "flat"}:
            raise RefusedError(f"target vector {name!r}: unknown vectorizer or index type")
        only(vector["vectorIndexConfig"], {"distance"}, "vectorIndexConfig")
        if vector["vectorIndexConfig"].get("distance") != "cosine":
            raise RefusedError("this server compares by cosine alone")
    only(body.get("invertedIndexConfig", {}), {"stopwords"}, "invertedIndexConfig")
    only(body.get("replicationConfig", {}), {"factor"}, "replicationConfig")
    tenancy = body.get("multiTenancyConfig", {})
    only(tenancy, {"enabled", "autoTenantCreation", "autoTenantActivation"}, "multiTenancyConfig")


def _check_property(prop: Mapping[str, Any]) -> None:
    name = prop.get("name", "")
    only(prop, PROPERTY_KEYS, f"property {name}")
    if not PROPERTY_NAME.fullmatch(name) or name in RESERVED:
        raise RefusedError(f"'{name}' is not a valid property name, or a reserved one")
    (kind,) = prop["dataType"]
    if kind not in DATA_TYPES:
        raise RefusedError(f"property '{name}': unknown data type {kind!r}")
    is_text = kind in {"text", "text[]"}
    if "tokenization" in prop and (
        not is_text or prop["tokenization"] not in {"word", "lowercase", "whitespace", "field"}
    ):
        raise RefusedError(f"property '{name}': tokenization '{prop['tokenization']}' is not allowed for '{kind}'")
    if prop.get("indexSearchable") and not is_text:
        raise RefusedError(
            "`indexSearchable` is allowed only for text/text[] data types. For other data types set false"
        )
    if prop.get("indexRangeFilters") and kind not in {"number", "int"}:
        raise RefusedError("`indexRangeFilters` is allowed only for number/int/date data types")
