"""``demo``: its data, its promise, its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import FileError
from medha_cli.demo import run as demo_run
from medha_cli.demo.database import load, make_shop, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

PAIRS: list[dict[str, str]] = load("pairs.json")
PARAPHRASES: list[dict[str, str]] = load("paraphrases.json")
OTHER_VALUES: list[dict[str, str]] = load("other_values.json")
NEAR_MISSES: list[dict[str, str]] = load("near_misses.json")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    make_shop(path)
    return path


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["question"])
def test_every_query_gives_rows_on_the_shop(pair: dict[str, str], shop: Path) -> None:
    columns, rows = rows_of(shop, pair["query"])
    assert rows != []
    assert len(columns) == len(rows[0])
    assert None not in rows[0]


def test_the_shop_holds_together(shop: Path) -> None:
    assert rows_of(shop, "PRAGMA foreign_key_check")[1] == []
    assert rows_of(shop, "SELECT count(*) FROM track")[1] > [(200,)]


def test_questions_are_asked_once_and_refer_to_stored_ones() -> None:
    stored = [pair["question"] for pair in PAIRS]
    others = [other["question"] for other in (*PARAPHRASES, *OTHER_VALUES, *NEAR_MISSES)]
    assert len({question.casefold() for question in (*stored, *others)}) == len(stored) + len(others)
    assert len({pair["query"] for pair in PAIRS}) == len(PAIRS) >= 40
    assert {
        *(p["means"] for p in PARAPHRASES),
        *(o["like"] for o in OTHER_VALUES),
        *(n["resembles"] for n in NEAR_MISSES),
    } <= set(stored)


@pytest.fixture
def report(document: Callable[..., Any]) -> Any:
    return document("demo")


def test_stored_questions_hit_near_misses_miss_and_paraphrases_are_never_wrong(report: Any) -> None:
    groups = report["groups"]
    assert report["false_hits"] == 0
    assert groups["identical"]["right"] == groups["again"]["right"] == len(PAIRS) == report["stored"]
    assert (groups["near miss"]["asked"], groups["near miss"]["hits"]) == (len(NEAR_MISSES), 0)
    assert groups["paraphrase"]["hits"] == groups["paraphrase"]["right"] >= len(PARAPHRASES) // 2
    assert groups["other values"]["hits"] == groups["other values"]["right"] == len(OTHER_VALUES)
    strategies = {name: {a["strategy"] for a in report["answers"] if a["group"] == name} for name in groups}
    assert (strategies["identical"], strategies["again"]) == ({"exact_match"}, {"l1_cache"})
    assert strategies["paraphrase"] >= {"semantic_match", "fuzzy_match"}
    assert strategies["other values"] == {"learned_template"}
    assert all(found["rows"] for found in report["rows"])


def test_a_near_miss_that_is_served_makes_the_exit_code_2(
    medha: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_with_a_planted_fault(name: str) -> Any:
        planted = {"question": PAIRS[0]["question"], "resembles": PAIRS[1]["question"], "differs": "nothing"}
        return [planted] if name == "near_misses.json" else load(name)

    monkeypatch.setattr(demo_run, "load", load_with_a_planted_fault)
    result = medha("demo")
    assert result.exit_code == 2
    assert "FALSE HIT" in result.stdout
    assert "1 false hits" in result.stdout


def test_a_paraphrase_that_gets_another_query_makes_the_exit_code_2(
    medha: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_with_a_planted_fault(name: str) -> Any:
        planted = {"question": PAIRS[0]["question"], "means": PAIRS[1]["question"]}
        return [planted] if name == "paraphrases.json" else load(name)

    monkeypatch.setattr(demo_run, "load", load_with_a_planted_fault)
    assert medha("demo").exit_code == 2


def test_the_demo_shows_what_it_did_and_exits_with_0(medha: Callable[..., Result]) -> None:
    result = medha("demo")
    assert result.exit_code == 0
    for told in ("word for word", "In other words", "must miss", "asks the model", "SELECT", "0 false hits"):
        assert told in result.stdout


def test_both_databases_are_kept_where_asked_and_never_written_over(
    medha: Callable[..., Result], tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    assert medha("demo", "--dir", str(folder)).exit_code == 0
    assert sorted(file.name for file in folder.glob("*.db")) == ["cache.db", "shop.db"]
    again = medha("demo", "--dir", str(folder))
    assert again.exit_code == 2
    assert "--dir" in again.stderr


def test_the_demo_leaves_the_user_s_own_cache_alone(report: Any, user_folder: Path) -> None:
    assert report["stored"] == len(PAIRS)
    assert not user_folder.exists()


def test_a_shop_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"shop\.db.*--dir"):
        make_shop(tmp_path / "absent" / "shop.db")
