"""The REST half: the schema, single objects, and who the server is."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .refusing import RefusedError, only

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .store import Class, Store

VERSION = "1.30.0"


def application(store: Store, key: str | None) -> web.Application:
    """The routes; anything else is a 404."""

    @web.middleware
    async def refusing(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        if key is not None and request.headers.get("Authorization") != f"Bearer {key}":
            return web.json_response({"code": 401, "message": "invalid api key"}, status=401)
        try:
            return await handler(request)
        except RefusedError as exc:
            return web.json_response({"error": [{"message": str(exc)}]}, status=exc.status)

    handlers = Handlers(store)
    made = web.Application(middlewares=[refusing], client_max_size=2**30)
    made.router.add_get("/v1/meta", handlers.meta)
    made.router.add_post("/v1/schema", handlers.make)
    made.router.add_get("/v1/schema/{name}", handlers.describe)
    made.router.add_delete("/v1/schema/{name}", handlers.drop)
    made.router.add_patch("/v1/objects/{name}/{uuid}", handlers.merge)
    return made


class Handlers:
    """Answers from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def meta(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"hostname": "http://[::]:8080", "version": VERSION, "modules": {}, "grpcMaxMessageSize": 104858000}
        )

    async def make(self, request: web.Request) -> web.Response:
        only(request.query, (), "query")
        return web.json_response(_described(self._store.make(await _body(request))))

    async def describe(self, request: web.Request) -> web.Response:
        only(request.query, (), "query")
        return web.json_response(_described(self._store.find(request.match_info["name"])))

    async def drop(self, request: web.Request) -> web.Response:
        self._store.classes.pop(request.match_info["name"], None)
        return web.Response(status=200)

    async def merge(self, request: web.Request) -> web.Response:
        only(request.query, {"consistency_level"}, "query")
        if request.query.get("consistency_level") not in {"ALL", "QUORUM"}:
            raise RefusedError("a write without a consistency level may be missed")
        body = await _body(request)
        only(body, {"class", "properties", "tenant", "id"}, "object")
        kind = self._store.find(request.match_info["name"])
        if body["class"] != kind.name:
            raise RefusedError("invalid object: the class differs from that of the path")
        shard = kind.shard(body.get("tenant", ""))
        key = str(uuid.UUID(request.match_info["uuid"]))
        if key not in shard:
            return web.Response(status=404)
        old = shard[key]
        self._store.put(kind, body.get("tenant", ""), key, {**old.properties, **body["properties"]}, old.vectors)
        return web.Response(status=204)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return await request.json()
    except json.JSONDecodeError as exc:
        raise RefusedError(f"parsing body: {exc}", 400) from exc


def _described(kind: Class) -> dict[str, Any]:
    """The class, with the defaults that the server fills in."""
    return {
        "class": kind.name,
        "description": kind.body.get("description"),
        "properties": [_with_defaults(prop) for prop in kind.body["properties"]],
        "vectorConfig": {
            name: vector
            | {"vectorIndexConfig": _INDEX_DEFAULTS[vector["vectorIndexType"]] | vector["vectorIndexConfig"]}
            for name, vector in kind.body["vectorConfig"].items()
        },
        "invertedIndexConfig": {
            "bm25": {"b": 0.75, "k1": 1.2},
            "cleanupIntervalSeconds": 60,
            "stopwords": {"additions": None, "preset": "none", "removals": None},
        },
        "multiTenancyConfig": {"enabled": False, "autoTenantCreation": False, "autoTenantActivation": False}
        | kind.tenancy,
        "replicationConfig": {"factor": 1, "asyncEnabled": False, "deletionStrategy": "NoAutomatedResolution"},
        "shardingConfig": None
        if kind.tenancy.get("enabled")
        else {
            "actualCount": 1, "actualVirtualCount": 128, "desiredCount": 1, "desiredVirtualCount": 128,
            "function": "murmur3", "key": "_id", "strategy": "hash", "virtualPerPhysical": 128,
        },
    }  # fmt: skip


def _with_defaults(prop: Mapping[str, Any]) -> dict[str, Any]:
    return {"indexFilterable": True, "indexSearchable": False, "indexRangeFilters": False, **prop}


_INDEX_DEFAULTS: dict[str, dict[str, Any]] = {
    "hnsw": {
        "skip": False, "cleanupIntervalSeconds": 300, "maxConnections": 32, "efConstruction": 128, "ef": -1,
        "dynamicEfMin": 100, "dynamicEfMax": 500, "dynamicEfFactor": 8, "vectorCacheMaxObjects": 1000000000000,
        "flatSearchCutoff": 40000, "distance": "cosine", "filterStrategy": "sweeping",
        "pq": {
            "enabled": False, "bitCompression": False, "segments": 0, "centroids": 256, "trainingLimit": 100000,
            "encoder": {"type": "kmeans", "distribution": "log-normal"},
        },
        "bq": {"enabled": False}, "sq": {"enabled": False, "trainingLimit": 100000, "rescoreLimit": 20},
        "multivector": {"enabled": False},
    },
    "flat": {
        "distance": "cosine", "vectorCacheMaxObjects": 1000000000000, "pq": {"enabled": False},
        "bq": {"enabled": False}, "sq": {"enabled": False},
    },
}  # fmt: skip
