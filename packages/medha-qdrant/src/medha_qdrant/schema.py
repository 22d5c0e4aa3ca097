"""Collections as Qdrant keeps them."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

from medha.errors import BackendError
from medha.models import CollectionSpec
from medha_qdrant.queries import EXPIRES_HIGH, EXPIRES_LOW, FACTS, REVISION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qdrant_client import AsyncQdrantClient

    from medha_qdrant.settings import QdrantSettings

INDEXES: Final = {
    FACTS: models.PayloadSchemaType.KEYWORD,
    EXPIRES_HIGH: models.PayloadSchemaType.INTEGER,
    EXPIRES_LOW: models.PayloadSchemaType.INTEGER,
    REVISION: models.PayloadSchemaType.KEYWORD,
}
"""Every payload field that a filter names: strict mode refuses the others."""

_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the collection's strict mode leaves of two things that a server otherwise allows."""

    page: int = _PAGE
    """The most that one request may ask for."""
    exact_count: bool = True


NO_LIMITS: Final = Limits()


def engine_name(prefix: str, collection: str) -> str:
    """The name of the collection in Qdrant: names that differ in anything have different ones."""
    return f"{prefix}_{hashlib.sha256(collection.encode()).hexdigest()}"


async def create(
    client: AsyncQdrantClient, name: str, collection: str, spec: CollectionSpec, options: dict[str, Any]
) -> None:
    """Make the collection, with the spec and the true name beside it, unless another process was faster."""
    try:
        await client.create_collection(
            name,
            metadata={"collection": collection, "dimension": spec.dimension, "model_name": spec.model_name},
            # one shard has one write-ahead log, in which a request stands whole or not at all
            shard_number=1,
            **options,
        )
    except (grpc.aio.AioRpcError, UnexpectedResponse, ValueError) as exc:
        if "already exists" not in str(exc):
            raise


def options_of(settings: QdrantSettings, spec: CollectionSpec) -> dict[str, Any]:
    """How a new collection keeps its vectors."""
    # the dot product of unit vectors is their cosine; Distance.COSINE would store other bits than it was given
    vectors = models.VectorParams(size=spec.dimension, distance=models.Distance.DOT, on_disk=settings.on_disk or None)
    options: dict[str, Any] = {"vectors_config": vectors}
    if settings.on_disk:
        options["hnsw_config"] = models.HnswConfigDiff(on_disk=True)
    if settings.quantization == "scalar":
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        options["quantization_config"] = models.ScalarQuantization(scalar=scalar)
    elif settings.quantization == "binary":
        binary = models.BinaryQuantizationConfig(always_ram=True)
        options["quantization_config"] = models.BinaryQuantization(binary=binary)
    return options


async def add_indexes(client: AsyncQdrantClient, name: str, info: models.CollectionInfo) -> None:
    """Make those that are missing; harmless when another process does the same."""
    missing = INDEXES.keys() - info.payload_schema.keys()
    await asyncio.gather(*(client.create_payload_index(name, field, INDEXES[field], wait=True) for field in missing))


def page_of(
    name: str, condition: models.Filter | None, wanted: dict[str, Any]
) -> Callable[[AsyncQdrantClient], Awaitable[tuple[list[models.Record], Any]]]:
    """The call that reads one page, and the id at which the next begins."""
    return lambda client: client.scroll(name, scroll_filter=condition, **wanted)


async def count(client: AsyncQdrantClient, name: str, condition: models.Filter | None, limits: Limits) -> int:
    """How many points match; where strict mode forbids to count exactly, by reading their ids."""
    if limits.exact_count:
        return (await client.count(name, count_filter=condition, exact=True)).count
    counted, cursor = 0, None
    while True:
        wanted = {"limit": limits.page, "offset": cursor, "with_payload": False}
        found, cursor = await page_of(name, condition, wanted)(client)
        counted += len(found)
        if cursor is None:
            return counted


def spec_of(info: models.CollectionInfo, doing: str) -> CollectionSpec:
    """What the collection was made for."""
    stored: dict[str, Any] = info.config.metadata or {}
    try:
        return CollectionSpec(dimension=int(stored["dimension"]), model_name=str(stored["model_name"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise BackendError(
            f"{doing}: it does not say which model it was made for. Qdrant before 1.16 cannot keep that: update the "
            "server. Otherwise another tool has changed its metadata: restore them, or drop the collection"
        ) from exc


def limits_of(info: models.CollectionInfo) -> Limits:
    """What the collection's strict mode allows."""
    strict = info.config.strict_mode_config
    if strict is None or not strict.enabled:
        return Limits()
    return Limits(
        page=min(_PAGE, strict.max_query_limit or _PAGE),
        exact_count=strict.search_allow_exact is not False,
    )
