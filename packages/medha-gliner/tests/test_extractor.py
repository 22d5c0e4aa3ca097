"""GLiNER behind templates, with a model that the tests train."""

from __future__ import annotations

import asyncio
import gc
import importlib
from typing import TYPE_CHECKING, Any

import pytest

from medha import Medha, SearchStrategy, Settings
from medha.errors import ConfigurationError, ExtractorUnavailableError, LifecycleError
from medha_gliner import GlinerExtractor, GlinerSettings

pytest.importorskip("torch", reason="gliner needs PyTorch; run python tools/torch_tests.py")

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

USERS: dict[str, Any] = {
    "intent": "users_of",
    "template_text": "users from {city}",
    "query_template": "SELECT name FROM users WHERE city = {city}",
    "parameters": {"city": {"extractor": "gliner", "label": "place"}},
}
ORDERS: dict[str, Any] = {
    "intent": "orders_of",
    "template_text": "orders of {name}",
    "query_template": "SELECT id FROM orders WHERE customer = {name}",
    "parameters": {"name": {"extractor": "gliner", "label": "person"}},
}
UNSURE = Settings(score_threshold_template=0.5)
"""The tiny model is not as sure as a real one."""


@pytest.fixture
async def extractor(folder: Path) -> AsyncIterator[GlinerExtractor]:
    extractor = GlinerExtractor(GlinerSettings(model=str(folder)))
    await extractor.connect()
    yield extractor
    await extractor.close()


async def test_templates_ask_the_installed_plugin_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_GLINER_MODEL", str(folder))
    async with Medha("tests", "wordllama", None, UNSURE, [USERS, ORDERS]) as cache:
        hit = await cache.search("users from new york")
        assert hit.strategy is SearchStrategy.TEMPLATE_MATCH
        assert hit.generated_query == "SELECT name FROM users WHERE city = 'new york'"
        assert 0.5 <= hit.confidence <= 0.95 or hit.confidence == pytest.approx(1, abs=0.01)
        hit = await cache.search("orders of Ada Lovelace")
        assert hit.parameters == {"name": "Ada Lovelace"}
        assert not await cache.search("users from new york in 2024")
        assert not await cache.search("users from Ada Lovelace")


async def test_spans_are_those_of_gliner_itself(extractor: GlinerExtractor, folder: Path) -> None:
    gliner: Any = importlib.import_module("gliner")
    bare = gliner.GLiNER.from_pretrained(str(folder), local_files_only=True)
    texts = ["flights to Oslo today", "the manager John Smith and the team"]
    expected = bare.inference(texts, ["person", "place"], threshold=0.5)
    found = await extractor.aextract_batch(texts, ["person", "place"])
    for spans, of_gliner in zip(found, expected, strict=True):
        sure = [(span.start, span.end, span.label) for span in spans if span.confidence >= 0.5]
        assert sure == [(each["start"], each["end"], each["label"]) for each in of_gliner]
        assert sure


async def test_a_model_is_loaded_once_and_let_go_of_when_nobody_uses_it(folder: Path) -> None:
    from medha_gliner import models

    first, second = (GlinerExtractor(GlinerSettings(model=str(folder))) for _ in range(2))
    await asyncio.gather(first.connect(), second.connect())
    assert len(models.LOADED) == 1
    await first.close()
    assert (await second.aextract_batch(["users from Oslo"], ["place"]))[0]
    await second.close()
    gc.collect()
    assert list(models.LOADED) == []


@pytest.mark.parametrize("place", ["/nowhere/model", "./nowhere", "~/nowhere/at/all"])
async def test_a_folder_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(ConfigurationError, match="MEDHA_GLINER_MODEL: there is no folder"):
        await GlinerExtractor(GlinerSettings(model=place)).connect()


async def test_a_folder_without_a_model_is_refused_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(ExtractorUnavailableError, match=r"copy its folder here .* MEDHA_GLINER_MODEL") as raised:
        await GlinerExtractor(GlinerSettings(model=str(tmp_path))).connect()
    assert raised.value.__cause__ is not None


async def test_a_model_that_must_not_be_downloaded_leads_to_a_local_folder(tmp_path: Path) -> None:
    settings = GlinerSettings(cache_dir=tmp_path, local_files_only=True)
    with pytest.raises(ExtractorUnavailableError, match="could not load the model 'urchade/gliner_small"):
        await GlinerExtractor(settings).connect()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".safetensors", ".bin"}]


async def test_it_works_only_between_connect_and_close(folder: Path) -> None:
    extractor = GlinerExtractor(GlinerSettings(model=str(folder)))
    with pytest.raises(LifecycleError, match="connect"):
        await extractor.aextract_batch(["in Oslo"], ["place"])
    await extractor.connect()
    await extractor.close()
    with pytest.raises(LifecycleError, match="connect"):
        await extractor.aextract_batch(["in Oslo"], ["place"])
