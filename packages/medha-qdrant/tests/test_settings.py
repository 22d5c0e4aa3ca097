"""What may be set, and what becomes of it in the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qdrant_client import models

from medha import FULL, Capability, CollectionSpec, Where
from medha.errors import ConfigurationError
from medha.plugins import read_settings
from medha_conformance.corpus import make_entries, unit_vectors
from medha_conformance.suite.reading import closest
from medha_qdrant import QdrantBackend, QdrantSettings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": "localhost:6333"}, "must be like http://localhost:6333"),
        ({"url": "http://user:hunter2@host:6333"}, "the key goes into api_key"),
        ({"mode": "path"}, "needs path"),
        ({"mode": "cloud", "url": "https://host"}, "needs an https url"),
        ({"mode": "cloud", "url": "http://host", "api_key": "hunter2"}, "needs an https url"),
        ({"quantization": "product"}, "quantization"),
        ({"oversampling": 0.5}, "oversampling"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefer_grcp": True}, "Did you mean 'prefer_grpc'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_settings(QdrantSettings, **values)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"


def test_places_and_ports_follow_the_address(tmp_path: Path) -> None:
    assert QdrantSettings().place == "http://localhost:6334 (gRPC)"
    assert QdrantSettings(url="https://q.example", prefer_grpc=False).place == "https://q.example:6333"
    assert QdrantSettings(url="http://h:80", grpc_port=90).ports == (80, 90)
    assert QdrantSettings(mode="path", path=tmp_path).place == str(tmp_path)
    assert QdrantSettings(mode="memory").place == "memory"


def test_the_key_is_in_no_text_of_the_settings() -> None:
    settings = QdrantSettings(mode="cloud", url="https://q.example", api_key="hunter2")  # pyright: ignore[reportArgumentType] - read from a text
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_capabilities_follow_the_settings(tmp_path: Path) -> None:
    def of(**values: Any) -> dict[str, bool]:
        supports = QdrantBackend(QdrantSettings(**values)).capabilities
        return {str(capability): bool(support) for capability, support in supports.items()}

    assert QdrantBackend(QdrantSettings(exact=True)).capabilities[Capability.EXACT_SEARCH] == FULL
    assert not of()["exact_search"]
    assert of(mode="path", path=tmp_path) == {
        "metadata_filter": True,
        "exact_search": True,
        "durable": True,
        "shared": False,
        "one_round_trip": False,
    }
    assert not of(mode="memory")["durable"]


@pytest.mark.parametrize("quantization", ["none", "scalar", "binary"])
@pytest.mark.parametrize("on_disk", [False, True])
async def test_a_collection_is_made_as_it_was_set_and_similarities_stay_exact(
    bench: Workbench, quantization: str, on_disk: bool
) -> None:
    spec = CollectionSpec(dimension=64, model_name="m")
    values: dict[str, Any] = {"quantization": quantization, "on_disk": on_disk, "oversampling": 3.0}
    backend = await bench.backend("music", spec=spec, **values)
    config = (await bench.by_hand.get_collection(bench.name("music"))).config
    vectors = config.params.vectors
    assert isinstance(vectors, models.VectorParams)
    assert (vectors.size, vectors.distance, bool(vectors.on_disk)) == (64, models.Distance.DOT, on_disk)
    assert bool(config.hnsw_config.on_disk) == on_disk
    kinds = {"none": type(None), "scalar": models.ScalarQuantization, "binary": models.BinaryQuantization}
    assert type(config.quantization_config) is kinds[quantization]
    # from now on every search goes through the index and the quantized vectors
    diff = models.OptimizersConfigDiff(indexing_threshold=1)
    await bench.by_hand.update_collection(bench.name("music"), optimizers_config=diff)
    entries = make_entries(1500, dimension=64)
    await backend.upsert("music", entries)
    by_id = {entry.id: entry for entry in entries}
    for query in unit_vectors(5, 64, seed=3):
        for match in await closest(backend, "music", query, limit=10, min_similarity=0.1):
            vector = by_id[match.entry.id].vector
            assert vector is not None
            assert match.similarity == pytest.approx(float(vector @ query), abs=1e-5)


async def test_an_exact_search_finds_the_true_neighbours_past_the_index(bench: Workbench) -> None:
    spec = CollectionSpec(dimension=64, model_name="m")
    backend = await bench.backend("music", spec=spec, exact=True)
    diff = models.OptimizersConfigDiff(indexing_threshold=1)
    await bench.by_hand.update_collection(bench.name("music"), optimizers_config=diff)
    entries = make_entries(2000, dimension=64)
    await backend.upsert("music", entries)
    vectors = unit_vectors(2000, 64)
    for query in unit_vectors(10, 64, seed=3):
        best = sorted((vectors @ query).tolist(), reverse=True)[:10]
        found = await closest(backend, "music", query, limit=10)
        assert [match.similarity for match in found] == pytest.approx(best, abs=1e-5)


STRICT = models.StrictModeConfig(
    enabled=True,
    max_query_limit=7,
    unindexed_filtering_retrieve=False,
    unindexed_filtering_update=False,
    search_allow_exact=False,
    filter_max_conditions=10,
)


@pytest.mark.parametrize("prefer_grpc", [True, False])
async def test_strict_mode_is_kept_by_every_call(bench: Workbench, prefer_grpc: bool) -> None:
    await bench.backend("music")
    await bench.by_hand.update_collection(bench.name("music"), strict_mode_config=STRICT)
    backend = await bench.backend("music", prefer_grpc=prefer_grpc)
    entries = make_entries(40, template_id="t", expires_at=5.0, metadata={"tenant": "acme"})
    await backend.upsert("music", entries)
    where = Where(template_id="t", metadata={"tenant": "acme"}, expired_at=5.0)
    assert await backend.count("music", where=where) == 40
    assert len((await backend.scroll("music", where=where, limit=25)).entries) == 25
    found = await closest(backend, "music", limit=30, now=4.0)
    assert len({match.entry.id for match in found}) == 30
    assert [match.similarity for match in found] == sorted((m.similarity for m in found), reverse=True)
    wanted: dict[str, Any] = {"min_similarity": -1.0, "where": Where(), "now": 4.0}
    entry, matches = await backend.get_and_search("music", entries[3].id, unit_vectors(1)[0], limit=20, **wanted)
    assert entry == entries[3]
    assert len(matches) == 20
    assert await backend.add_feedback("music", entries[3].id, correct=1) == (1, 0)
    assert await backend.delete("music", where=where) == 40
