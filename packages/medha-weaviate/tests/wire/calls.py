"""The gRPC half: the methods of ``weaviate.v1.Weaviate`` that are used."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import grpc
import numpy as np
from weaviate.proto.v1 import (
    aggregate_pb2,
    base_pb2,
    batch_delete_pb2,
    batch_pb2,
    properties_pb2,
    search_get_pb2,
    tenants_pb2,
    weaviate_pb2_grpc,
)

from .filters import predicate
from .refusing import RefusedError, only_fields
from .store import MOST, closest, matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Class, Store, Stored

_FLAGS: Final = {"uses_123_api", "uses_125_api", "uses_127_api"}
_SEARCH: Final = {
    "collection", "tenant", "consistency_level", "properties", "metadata", "limit", "offset", "after", "sort_by",
    "filters", "near_vector",
}  # fmt: skip


class Servicer(weaviate_pb2_grpc.WeaviateServicer):
    """Answers from the store."""

    def __init__(self, store: Store, key: str | None) -> None:
        self._store = store
        self._key = key

    async def Search(self, request: Any, context: Any) -> Any:  # noqa: N802 - the names of the proto
        return await self._answer(self._search, request, context)

    async def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answer(self._batch, request, context)

    async def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answer(self._delete, request, context)

    async def TenantsGet(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answer(self._tenants, request, context)

    async def Aggregate(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answer(self._aggregate, request, context)

    async def _answer(self, method: Callable[[Any], Any], request: Any, context: Any) -> Any:
        sent = dict(context.invocation_metadata()).get("authorization")
        if self._key is not None and sent != f"Bearer {self._key}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "unauthorized: invalid api key")
        try:
            return method(request)
        except RefusedError as exc:
            await context.abort(grpc.StatusCode.UNKNOWN, str(exc))

    def _search(self, request: Any) -> Any:
        only_fields(request, _SEARCH | _FLAGS)
        kind = self._store.find(request.collection)
        _consistent(request)
        _refuse_together(request)
        only_fields(request.metadata, {"uuid", "distance"})
        only_fields(request.properties, {"non_ref_properties"})
        limit = request.limit or 10
        if limit + request.offset > MOST:
            raise RefusedError(f"query maximum results exceeded (QUERY_MAXIMUM_RESULTS): {limit} > {MOST}")
        objects = kind.shard(request.tenant)
        accepts = predicate(request.filters, kind) if request.HasField("filters") else None
        found: list[tuple[Stored, float | None]]
        if request.HasField("near_vector"):
            found = [*_near(request.near_vector, kind, matching(objects, accepts))]
        elif request.after:
            after = uuid.UUID(request.after).bytes
            later = [one for one in objects.values() if uuid.UUID(one.uuid).bytes > after]
            found = [(one, None) for one in sorted(later, key=lambda one: uuid.UUID(one.uuid).bytes)]
        else:
            found = [(one, None) for one in _sorted(matching(objects, accepts), request.sort_by, kind)]
        names = list(request.properties.non_ref_properties)
        page = found[request.offset : request.offset + limit]
        return search_get_pb2.SearchReply(
            took=0.0, results=[_result(one, distance, names, kind, request.metadata) for one, distance in page]
        )

    def _batch(self, request: Any) -> Any:
        only_fields(request, {"objects", "consistency_level"})
        _consistent(request)
        errors: list[Any] = []
        for index, one in enumerate(request.objects):
            try:
                self._put(one)
            except RefusedError as exc:
                errors.append(batch_pb2.BatchObjectsReply.BatchError(index=index, error=str(exc)))
        return batch_pb2.BatchObjectsReply(took=0.0, errors=errors)

    def _put(self, one: Any) -> None:
        only_fields(one, {"uuid", "properties", "collection", "tenant", "vectors", "vector_bytes"})
        only_fields(one.properties, {"non_ref_properties", "text_array_properties"})
        properties: dict[str, Any] = dict(one.properties.non_ref_properties)
        properties |= {part.prop_name: list(part.values) for part in one.properties.text_array_properties}
        if len(one.vector_bytes):
            raise RefusedError("vectors must have names here")
        vectors = {vector.name: np.frombuffer(vector.vector_bytes, dtype="<f4") for vector in one.vectors}
        kind = self._store.find_or_make(one.collection)
        self._store.put(kind, one.tenant, str(uuid.UUID(one.uuid)), properties, vectors)

    def _delete(self, request: Any) -> Any:
        only_fields(request, {"collection", "filters", "verbose", "dry_run", "consistency_level", "tenant"})
        kind = self._store.find(request.collection)
        _consistent(request)
        if not request.HasField("filters") or request.dry_run:
            raise RefusedError("filters are required, and dry runs are not known here")
        objects = kind.shard(request.tenant)
        gone = matching(objects, predicate(request.filters, kind))[:MOST]
        for one in gone:
            del objects[one.uuid]
        told = [batch_delete_pb2.BatchDeleteObject(uuid=uuid.UUID(one.uuid).bytes, successful=True) for one in gone]
        return batch_delete_pb2.BatchDeleteReply(
            took=0.0, failed=0, matches=len(gone), successful=len(gone), objects=told if request.verbose else []
        )

    def _tenants(self, request: Any) -> Any:
        only_fields(request, {"collection"})
        kind = self._store.find(request.collection)
        if not kind.tenancy.get("enabled"):
            raise RefusedError(f"multi-tenancy is not enabled for class '{kind.name}'")
        active = tenants_pb2.TENANT_ACTIVITY_STATUS_ACTIVE
        return tenants_pb2.TenantsGetReply(
            took=0.0, tenants=[tenants_pb2.Tenant(name=name, activity_status=active) for name in kind.shards]
        )

    def _aggregate(self, request: Any) -> Any:
        only_fields(request, {"collection", "tenant", "objects_count", "filters"})
        kind = self._store.find(request.collection)
        accepts = predicate(request.filters, kind) if request.HasField("filters") else None
        single = aggregate_pb2.AggregateReply.Single(objects_count=len(matching(kind.shard(request.tenant), accepts)))
        return aggregate_pb2.AggregateReply(took=0.0, single_result=single)


def _consistent(request: Any) -> None:
    if request.consistency_level not in {
        base_pb2.CONSISTENCY_LEVEL_ALL,
        base_pb2.CONSISTENCY_LEVEL_QUORUM,
    }:
        raise RefusedError("a call without a consistency level may miss what was written")


def _refuse_together(request: Any) -> None:
    if request.after and (request.HasField("filters") or request.HasField("near_vector") or request.offset):
        raise RefusedError("cursor api: where filter, search or offset cannot be combined with 'after'")
    if request.after and request.sort_by:
        raise RefusedError("cursor api: sort cannot be combined with 'after'")
    if request.sort_by and request.HasField("near_vector"):
        raise RefusedError("sorting cannot be combined with search")


def _near(near: Any, kind: Class, objects: list[Stored]) -> list[tuple[Stored, float | None]]:
    only_fields(near, {"vector_bytes", "vectors", "distance", "targets", "target_vectors"})
    raw = near.vectors[0].vector_bytes if near.vectors else near.vector_bytes
    asked = np.frombuffer(raw, dtype="<f4")
    (name,) = kind.body["vectorConfig"]
    return [*closest(objects, name, asked, near.distance if near.HasField("distance") else None)]


def _sorted(objects: list[Stored], by: Any, kind: Class) -> list[Stored]:
    for order in reversed(by):
        (name,) = order.path
        if name not in kind.properties:
            raise RefusedError(f"no such prop with name '{name}' found in class '{kind.name}' in the schema")
        objects = sorted(objects, key=lambda one: one.properties.get(name) or "", reverse=not order.ascending)
    return objects


def _result(one: Stored, distance: float | None, names: list[str], kind: Class, wanted: Any) -> Any:
    fields: dict[str, Any] = {}
    for name in names:
        if name not in kind.properties:
            raise RefusedError(f"no such prop with name '{name}' found in class '{kind.name}' in the schema")
        fields[name] = _value(one.properties.get(name), kind.properties[name]["dataType"][0])
    metadata: dict[str, Any] = {"id": one.uuid, "id_as_bytes": uuid.UUID(one.uuid).bytes} if wanted.uuid else {}
    if wanted.distance and distance is not None:
        metadata |= {"distance": distance, "distance_present": True}
    return search_get_pb2.SearchResult(
        properties=search_get_pb2.PropertiesResult(
            target_collection=kind.name, non_ref_props=properties_pb2.Properties(fields=fields)
        ),
        metadata=search_get_pb2.MetadataResult(**metadata),
    )


def _value(value: Any, data_type: str) -> Any:
    if value is None:
        return properties_pb2.Value(null_value="NULL_VALUE")
    if data_type == "int":
        return properties_pb2.Value(int_value=int(value))
    if data_type == "text[]":
        texts = properties_pb2.TextValues(values=value)
        return properties_pb2.Value(list_value=properties_pb2.ListValue(text_values=texts))
    field = {"text": "text_value", "blob": "blob_value", "boolean": "bool_value", "number": "number_value"}[data_type]
    return properties_pb2.Value(**{field: value})
