"""spaCy behind templates: which pipelines are taken, which are refused, and what a template makes of their labels."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
import spacy
from spacy.language import Language

from medha import Medha, SearchStrategy, Span
from medha.errors import (
    ConfigurationError,
    ExtractorError,
    ExtractorUnavailableError,
    LifecycleError,
    TemplateError,
)
from medha.plugins import read_settings
from medha_conformance.imports import imported_by
from medha_spacy import SpacyExtractor, SpacySettings, pipelines

if TYPE_CHECKING:
    from pathlib import Path

USERS: dict[str, Any] = {
    "intent": "users_of",
    "template_text": "users from {country}",
    "query_template": "SELECT name FROM users WHERE country = {country}",
    "parameters": {"country": {"extractor": "spacy", "label": "GPE"}},
}


@pytest.mark.parametrize("pipeline", ["ruled", "trained"])
async def test_a_template_asks_the_installed_plugin_by_name(
    pipeline: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_SPACY_MODEL", str(request.getfixturevalue(pipeline)))
    async with Medha("tests", "wordllama", templates=[USERS]) as cache:
        hit = await cache.search("Show me the users from new zealand, please")
        assert hit.strategy is SearchStrategy.TEMPLATE_MATCH
        assert hit.generated_query == "SELECT name FROM users WHERE country = 'new zealand'"
        assert not await cache.search("active users from new zealand")
        assert not await cache.search("users from new zealand or Rome")
        assert not await cache.search("users from Ada Lovelace")


async def test_a_label_that_the_pipeline_does_not_have_is_refused(ruled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_SPACY_MODEL", str(ruled))
    template = USERS | {"parameters": {"country": {"extractor": "spacy", "label": "COUNTRY"}}}
    with pytest.raises(TemplateError, match="for the label 'COUNTRY'; it gives GPE, PERSON"):
        await Medha("tests", "wordllama", templates=[template]).start()


async def test_entities_are_those_of_spacy_itself(extractor: SpacyExtractor, ruled: Path) -> None:
    nlp = spacy.load(ruled)
    texts = ["Maria Rossi flew from Rome to New York", "nothing", "", "🎸 in Paris"]
    expected = [[Span(e.start_char, e.end_char, e.label_) for e in nlp(text).ents] for text in texts]
    assert sum(map(len, expected)) == 4
    assert await extractor.aextract_batch(texts, ["PERSON", "GPE"]) == expected


@pytest.mark.parametrize("batch_size", [1, 2, 5])
async def test_a_list_longer_than_a_batch_keeps_its_order(ruled: Path, batch_size: int) -> None:
    extractor = SpacyExtractor(SpacySettings(model=str(ruled), batch_size=batch_size))
    await extractor.connect()
    texts = ["from Rome", "to Paris", "no place", "in Oslo"]
    found = await extractor.aextract_batch(texts, ["GPE"])
    assert [[text[s.start : s.end] for s in spans] for text, spans in zip(texts, found, strict=True)] == [
        ["Rome"], ["Paris"], [], ["Oslo"]
    ]  # fmt: skip
    await extractor.close()


async def test_a_pipeline_is_loaded_once_and_let_go_of_when_nobody_uses_it(ruled: Path) -> None:
    first, second = (SpacyExtractor(SpacySettings(model=str(ruled))) for _ in range(2))
    await asyncio.gather(first.connect(), second.connect())
    assert len(pipelines.LOADED) == 1
    await first.close()
    assert (await second.aextract_batch(["in Oslo"], ["GPE"]))[0]
    await second.close()
    gc.collect()
    assert list(pipelines.LOADED) == []


async def test_a_span_ruler_that_sets_entities_counts_and_one_that_does_not_is_refused(tmp_path: Path) -> None:
    for annotates in (True, False):
        nlp = spacy.blank("en")
        ruler: Any = nlp.add_pipe("span_ruler", config={"annotate_ents": annotates})
        ruler.add_patterns([{"label": "CITY", "pattern": "Oslo"}])
        nlp.to_disk(tmp_path / str(annotates))
    extractor = SpacyExtractor(SpacySettings(model=str(tmp_path / "True")))
    await extractor.connect()
    assert extractor.labels == ("CITY",)
    assert await extractor.aextract_batch(["in Oslo"], ["CITY"]) == [[Span(3, 7, "CITY")]]
    await extractor.close()
    with pytest.raises(ConfigurationError, match=r"finds no entities: of its components \(span_ruler\) none sets them"):
        await SpacyExtractor(SpacySettings(model=str(tmp_path / "False"))).connect()


async def test_a_component_of_ones_own_may_give_any_label(tmp_path: Path) -> None:
    @Language.component("medha_test_finder", assigns=["doc.ents"])
    def find(doc: Any) -> Any:
        doc.ents = [doc.char_span(0, 4, label="ANY")]
        return doc

    nlp = spacy.blank("en")
    nlp.add_pipe("medha_test_finder")
    nlp.to_disk(tmp_path / "own")
    extractor = SpacyExtractor(SpacySettings(model=str(tmp_path / "own")))
    await extractor.connect()
    assert extractor.labels is None
    assert await extractor.aextract_batch(["Rome is big"], ["ANY"]) == [[Span(0, 4, "ANY")]]
    with pytest.raises(ExtractorError, match="spaCy failed on 1 texts, from text 0 on") as raised:
        await extractor.aextract_batch(["Ro"], ["ANY"])
    assert raised.value.__cause__ is not None
    await extractor.close()


async def test_a_pipeline_that_is_not_there_is_refused_with_the_command_that_gets_it() -> None:
    with pytest.raises(ConfigurationError, match="'en_core_web_xx' is no folder, and no installed pipeline") as raised:
        await SpacyExtractor(SpacySettings(model="en_core_web_xx")).connect()
    assert "python -m spacy download en_core_web_xx" in str(raised.value)


async def test_a_folder_that_holds_no_pipeline_is_refused_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(ExtractorUnavailableError, match="could not load the pipeline") as raised:
        await SpacyExtractor(SpacySettings(model=str(tmp_path))).connect()
    assert isinstance(raised.value.__cause__, OSError)


async def test_it_works_only_between_connect_and_close(ruled: Path) -> None:
    extractor = SpacyExtractor(SpacySettings(model=str(ruled)))
    with pytest.raises(LifecycleError, match="connect"):
        _ = extractor.labels
    await extractor.connect()
    await extractor.close()
    with pytest.raises(LifecycleError, match="connect"):
        await extractor.aextract_batch(["in Oslo"], ["GPE"])


@pytest.mark.parametrize(("name", "value"), [("model", ""), ("batch_size", "0"), ("batch_size", "many")])
def test_settings_that_make_no_sense_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MEDHA_SPACY_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"MEDHA_SPACY_{name.upper()}"):
        read_settings(SpacySettings)


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_SPACY_MODLE", "x")
    with pytest.raises(ConfigurationError, match="did you mean MEDHA_SPACY_MODEL"):
        read_settings(SpacySettings)


def test_the_plugin_and_its_extractor_are_made_without_importing_spacy() -> None:
    made = "from medha_spacy import SpacyExtractor, SpacySettings as S; import medha_spacy.plugin; SpacyExtractor(S())"
    assert imported_by(made).isdisjoint({"spacy", "thinc"})
