"""The reviewer with a real ONNX session: a tiny model that compares the words of the two questions."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from medha import Medha, SearchStrategy, Settings
from medha.errors import ConfigurationError, LifecycleError, PluginLoadError
from medha_rerank import RerankReviewer, RerankSettings

from .tiny import LABELS, make_folder

if TYPE_CHECKING:
    from pathlib import Path

SAME = ("how many albums are there", "albums how many there are")
OTHER = ("how many albums are there", "list the customers in berlin")


async def opened(**values: Any) -> RerankReviewer:
    reviewer = RerankReviewer(RerankSettings(**values))
    await reviewer.connect()
    return reviewer


async def test_a_score_is_the_sigmoid_of_what_onnx_runtime_puts_out(reviewer: RerankReviewer, folder: Path) -> None:
    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    session: Any = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    for pair in (SAME, OTHER, ("top users", "top orders")):
        read = tokenizer.encode(*pair)
        given = {"input_ids": np.array([read.ids]), "token_type_ids": np.array([read.type_ids])}
        (logit,) = session.run(None, given)[0][0]
        assert await reviewer.score(*pair) == pytest.approx(1 / (1 + math.exp(-float(logit))), rel=1e-5)


async def test_same_words_score_high_and_others_low(reviewer: RerankReviewer) -> None:
    same, other = await reviewer.score(*SAME), await reviewer.score(*OTHER)
    assert same is not None
    assert other is not None
    assert same > 0.8
    assert other < 0.1


async def test_the_probability_of_a_named_label_is_the_score(tmp_path: Path) -> None:
    folder = str(make_folder(tmp_path / "two", labels=LABELS))
    same = await opened(model=folder, threshold=0.8, label="Same")
    different = await opened(model=folder, threshold=0.8, label="different")
    one, other = await same.score(*SAME), await different.score(*SAME)
    assert one is not None
    assert other is not None
    assert one > 0.8
    assert one + other == pytest.approx(1)
    await same.close()
    await different.close()


@pytest.mark.parametrize(
    ("labels", "label", "message"),
    [
        (LABELS, None, r"several labels \(different, same\); set MEDHA_RERANK_LABEL"),
        (LABELS, "equal", "no label 'equal'; it has different, same"),
        (None, "same", "has one label, LABEL_0, and no 'same'"),
    ],
)
async def test_a_label_that_the_model_does_not_have_is_refused(
    tmp_path: Path, labels: dict[str, str] | None, label: str | None, message: str
) -> None:
    folder = make_folder(tmp_path / "model", labels=labels)
    with pytest.raises(ConfigurationError, match=message):
        await opened(model=str(folder), threshold=0.8, label=label)


# ---- in the waterfall ----

STORED = "list all the tracks sold in berlin"
ASKED = "list all the songs sold in berlin"


async def test_it_lets_through_only_what_the_guards_left_open_and_it_is_sure_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_RERANK_MODEL", str(folder))
    wide = Settings(score_threshold_semantic=0.99, score_threshold_review=0.0)
    for threshold, strategy in (("0.05", SearchStrategy.REVIEWED_MATCH), ("0.999", SearchStrategy.NO_MATCH)):
        monkeypatch.setenv("MEDHA_RERANK_THRESHOLD", threshold)
        async with Medha("tests", "wordllama", None, wide, reviewers=["rerank"]) as cache:
            await cache.store(STORED, "SELECT * FROM track")
            hit = await cache.search(ASKED)
            assert hit.strategy is strategy
            if not hit:
                assert "rejected by rerank: score 0." in hit.reason
                assert "is below 0.999" in hit.reason
                assert cache.stats().guard_rejections["rerank"] == 1


@pytest.mark.parametrize(
    "asked",
    [
        "list all the tracks not sold in berlin",
        "list all the tracks sold in berlin in 2020",
        'list all the tracks sold in berlin "rock"',
        "list all the tracks sold in Rome",
    ],
)
async def test_it_never_overrules_a_guard(folder: Path, asked: str) -> None:
    reviewer = await opened(model=str(folder), threshold=1e-9)
    wide = Settings(score_threshold_semantic=0.99, score_threshold_review=-1.0)
    async with Medha("tests", "wordllama", None, wide, reviewers=[reviewer]) as cache:
        await cache.store(STORED, "SELECT count(*) FROM album")
        assert not await cache.search(asked)
    await reviewer.close()


async def test_a_model_that_fails_rejects_with_its_reason(folder: Path, tmp_path: Path) -> None:
    lying = shutil.copytree(folder, tmp_path / "lying")
    (lying / "config.json").write_text(json.dumps({"id2label": LABELS}))
    reviewer = await opened(model=str(lying), threshold=1e-9, label="same")
    wide = Settings(score_threshold_semantic=0.99, score_threshold_review=0.0)
    async with Medha("tests", "wordllama", None, wide, reviewers=[reviewer]) as cache:
        await cache.store(STORED, "SELECT count(*) FROM album")
        hit = await cache.search(ASKED)
        assert not hit
        assert "the reviewer failed: ValueError: the model put out 1 numbers for a pair" in hit.reason
    await reviewer.close()


# ---- reading ----


async def test_a_pair_that_is_too_long_is_rejected_and_never_cut(folder: Path) -> None:
    reviewer = await opened(model=str(folder), threshold=0.5, max_tokens=9)
    assert await reviewer.score("how many albums", "how many albums") is not None
    assert await reviewer.score("how many albums are", "how many albums are") is None
    await reviewer.close()


async def test_what_is_no_number_is_an_error_and_no_score(tmp_path: Path) -> None:
    reviewer = await opened(model=str(make_folder(tmp_path / "model", scale=math.nan)), threshold=0.5)
    with pytest.raises(ValueError, match="NaN or infinity"):
        await reviewer.score(*SAME)
    await reviewer.close()


async def test_of_two_directions_the_lower_score_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = await opened(model=str(folder), threshold=0.5)
    one = await opened(model=str(folder), threshold=0.5, both_directions=False)
    assert await both.score(*SAME) == await one.score(*SAME)  # this model compares both ways alike
    await both.close()
    await one.close()


async def test_reviews_at_once_do_not_mix(reviewer: RerankReviewer) -> None:
    pairs = [SAME, OTHER, ("top users", "top orders"), ("flights to rome", "flights to berlin")] * 5
    expected = [await reviewer.score(*pair) for pair in pairs]
    assert await asyncio.gather(*(reviewer.score(*pair) for pair in pairs)) == expected


async def test_it_reviews_only_between_connect_and_close(settings: RerankSettings) -> None:
    reviewer = RerankReviewer(settings)
    with pytest.raises(LifecycleError, match="connect"):
        await reviewer.score(*SAME)
    await asyncio.gather(reviewer.connect(), reviewer.connect())
    before = await reviewer.score(*SAME)
    await reviewer.close()
    await reviewer.close()
    with pytest.raises(LifecycleError, match="connect"):
        await reviewer.score(*SAME)
    await reviewer.connect()
    assert await reviewer.score(*SAME) == before
    await reviewer.close()


# ---- files ----


@pytest.mark.parametrize("name", ["onnx/model.onnx", "model.onnx", "quantized/small.onnx"])
async def test_the_weights_are_found_in_the_usual_places_or_where_the_setting_says(tmp_path: Path, name: str) -> None:
    folder = make_folder(tmp_path / "model", name=name)
    chosen = {"model_file": name} if name.startswith("quantized") else {}
    reviewer = await opened(model=str(folder), threshold=0.5, **chosen)
    assert await reviewer.score(*SAME)
    await reviewer.close()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
async def test_a_folder_that_lacks_a_file_is_refused_with_its_name(folder: Path, tmp_path: Path, name: str) -> None:
    part = shutil.copytree(folder, tmp_path / "part", ignore=shutil.ignore_patterns(name))
    with pytest.raises(ConfigurationError, match=rf"{part} lacks .*{name}; it holds "):
        await opened(model=str(part), threshold=0.5)


@pytest.mark.parametrize("place", ["/nowhere/model", "./nowhere", "~/nowhere/at/all"])
async def test_a_folder_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(ConfigurationError, match="MEDHA_RERANK_MODEL: there is no folder"):
        await opened(model=place, threshold=0.5)


@pytest.mark.parametrize(("name", "content"), [("model.onnx", "no model"), ("tokenizer.json", "{}")])
async def test_a_damaged_file_is_an_error_with_its_cause(folder: Path, tmp_path: Path, name: str, content: str) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / name).write_text(content)
    with pytest.raises(PluginLoadError, match="does not load") as raised:
        await opened(model=str(damaged), threshold=0.5)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("content", ["no json", "[]"])
async def test_a_damaged_configuration_is_refused(folder: Path, tmp_path: Path, content: str) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "config.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        await opened(model=str(damaged), threshold=0.5)


async def test_a_model_that_must_not_be_downloaded_leads_to_a_local_folder(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match=r"copy a folder .* set MEDHA_RERANK_MODEL to it") as raised:
        await opened(
            model="cross-encoder/ms-marco-MiniLM-L6-v2", threshold=0.5, cache_dir=tmp_path, local_files_only=True
        )
    assert raised.value.__cause__ is not None
