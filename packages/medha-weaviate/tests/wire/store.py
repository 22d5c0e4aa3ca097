"""What the server keeps: classes, tenants, objects; and how objects are found again."""

from __future__ import annotations

import base64
import binascii
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .refusing import CLASS_NAME, TENANT_NAME, RefusedError, check_class

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST: Final = 10_000
"""``QUERY_MAXIMUM_RESULTS``."""
_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "number": (float, int),
    "int": (float, int),
}


@dataclass
class Stored:
    """One object."""

    uuid: str
    order: int
    properties: dict[str, Any]
    vectors: dict[str, Any]


@dataclass
class Class:
    """One class, with its shards by tenant (one, without a name, where there are none)."""

    body: dict[str, Any]
    shards: dict[str, dict[str, Stored]] = field(default_factory=dict[str, dict[str, Stored]])
    dimensions: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.name: str = self.body["class"]
        self.properties = {prop["name"]: prop for prop in self.body["properties"]}
        self.tenancy: dict[str, Any] = self.body.get("multiTenancyConfig", {})
        if not self.tenancy.get("enabled"):
            self.shards[""] = {}

    def shard(self, tenant: str, *, writing: bool = False) -> dict[str, Stored]:
        """The objects of the tenant."""
        if bool(tenant) != bool(self.tenancy.get("enabled")):
            how = "without" if self.tenancy.get("enabled") else "with"
            raise RefusedError(f"class {self.name} has multi-tenancy set otherwise, but request was {how} tenant")
        if tenant not in self.shards:
            if not writing or not self.tenancy.get("autoTenantCreation"):
                raise RefusedError(f'tenant not found: "{tenant}"')
            if not TENANT_NAME.fullmatch(tenant):
                raise RefusedError(f"tenant name {tenant!r} is not valid")
            self.shards[tenant] = {}
        return self.shards[tenant]


class Store:
    """All classes by name."""

    def __init__(self) -> None:
        self.classes: dict[str, Class] = {}
        self._orders = itertools.count()

    def make(self, body: dict[str, Any]) -> Class:
        """A new class."""
        check_class(body)
        if body["class"] in self.classes:
            raise RefusedError(f"class name {body['class']} already exists")
        made = self.classes[body["class"]] = Class(body)
        return made

    def find(self, name: str) -> Class:
        """The class of this name."""
        if name not in self.classes:
            raise RefusedError(f"could not find class {name} in schema", 404)
        return self.classes[name]

    def find_or_make(self, name: str) -> Class:
        """The class of this name, for a batch: an unknown one is made (``AUTOSCHEMA_ENABLED`` is on by default)."""
        if name not in self.classes and CLASS_NAME.fullmatch(name):
            self.classes[name] = Class({"class": name, "properties": [], "vectorConfig": {}, "description": None})
        return self.find(name)

    def put(self, kind: Class, tenant: str, uuid: str, properties: dict[str, Any], vectors: dict[str, Any]) -> None:
        """Store the object in place of the one with its UUID."""
        if kind.properties:
            for name, value in properties.items():
                _check_value(kind, name, value)
        for name, vector in vectors.items():
            if name not in kind.body["vectorConfig"] and kind.properties:
                raise RefusedError(f"collection {kind.name} does not have named vector {name} configured")
            known = kind.dimensions.setdefault(name, len(vector))
            if known != len(vector):
                raise RefusedError(f"vector lengths don't match: {known} vs {len(vector)}")
        kind.shard(tenant, writing=True)[uuid] = Stored(uuid, next(self._orders), properties, vectors)


def closest(objects: list[Stored], name: str, asked: Any, most_distance: float | None) -> list[tuple[Stored, float]]:
    """The objects that have the vector, with their distances in float32, closest first."""
    with_it = [one for one in objects if name in one.vectors]
    if not with_it:
        return []
    vectors: Any = np.stack([one.vectors[name] for one in with_it])
    if vectors.shape[1] != len(asked):
        raise RefusedError(f"vector lengths don't match: {vectors.shape[1]} vs {len(asked)}")
    # Weaviate normalizes for cosine
    cosines = (vectors @ asked) / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked))
    distances = (1 - cosines).astype(np.float32)
    order = np.argsort(distances, kind="stable").tolist()
    found: list[tuple[Stored, float]] = [(with_it[n], float(distances[n])) for n in order]
    return [(one, distance) for one, distance in found if most_distance is None or distance <= most_distance]


def matching(objects: dict[str, Stored], accepts: Callable[[Mapping[str, Any]], bool] | None) -> list[Stored]:
    """The objects that fulfil the filters, in the order in which they came."""
    found = [one for one in objects.values() if accepts is None or accepts(one.properties)]
    return sorted(found, key=lambda one: one.order)


def _check_value(kind: Class, name: str, value: Any) -> None:
    prop = kind.properties.get(name)
    if prop is None:
        raise RefusedError(
            f"invalid object: no such prop with name '{name}' found in class '{kind.name}' in the schema"
        )
    (data_type,) = prop["dataType"]
    if data_type == "text[]":
        right = isinstance(value, list) and all(isinstance(one, str) for one in value)  # pyright: ignore[reportUnknownVariableType]
    else:
        right = isinstance(value, _PYTHON[data_type]) and isinstance(value, bool) == (data_type == "boolean")
    if not right or not _is_exact(value, data_type):
        raise RefusedError(f"invalid {data_type} property '{name}' on class '{kind.name}': not a {data_type}")


def _is_exact(value: Any, data_type: str) -> bool:
    if data_type == "int":
        return value == int(value)
    if data_type == "blob":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            return False
    return True
