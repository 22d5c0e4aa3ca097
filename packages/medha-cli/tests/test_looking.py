"""``stats``, ``plugins``, ``doctor`` and ``bench``."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result


def test_stats_of_nothing(document: Callable[..., Any], user_folder: Path) -> None:
    found = document("stats")
    assert (found["entries"], found["scopes"]) == (0, [])
    assert user_folder in Path(found["file"]).parents


def test_stats_counts_scopes_and_names_model_and_dimension(
    document: Callable[..., Any], medha: Callable[..., Result]
) -> None:
    for number in range(3):
        document("store", f"How many albums has artist {number}?", "SELECT 1", "--filter", "tenant=acme")
    document("store", "How many albums are there?", "SELECT 2")
    document("feedback", "How many albums are there?", "--correct")
    found = document("stats")
    assert (found["entries"], found["expired"], found["with_feedback"]) == (4, 0, 1)
    assert found["scopes"] == [{"scope": "tenant=acme", "entries": 3}, {"scope": "", "entries": 1}]
    assert found["model"].startswith("wordllama/")
    assert (found["dimension"], found["file_bytes"] > 0) == (256, True)
    shown = medha("stats").stdout
    assert "tenant=acme: 3" in shown
    assert "(none): 1" in shown
    assert "counted in the process" in shown


def test_stats_counts_the_rejections_that_questions_of_a_file_meet(
    document: Callable[..., Any], medha: Callable[..., Result], tmp_path: Path
) -> None:
    document("store", "Show the top 5 customers by total spending", "SELECT 5")
    questions = tmp_path / "questions.txt"
    questions.write_text(
        "Show the top 10 customers by total spending\n\nshow the top five customers by total spending\n"
    )
    asked = document("stats", "--ask", str(questions))["asked"]
    assert (asked["lookups"], asked["hits"], asked["guard_rejections"]) == (2, 1, {"numbers": 1})
    shown = medha("stats", "--ask", str(questions)).stdout
    assert "rejections by guard" in shown
    assert "numbers: 1" in shown
    assert document("stats", "--ask", str(tmp_path / "absent.txt"))["error"]["type"] == "FileError"


def test_stats_shows_what_the_tiers_may_serve(
    document: Callable[..., Any], medha: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert document("stats")["terms"] is None
    monkeypatch.setenv("MEDHA_MAX_FALSE_HIT_RATE", "0.005")
    tiers = document("stats")["terms"]["tiers"]
    assert (tiers["semantic"]["threshold"], tiers["fuzzy"]["allowed"]) == (0.99, False)
    assert "0.50%, 95% confidence" in medha("stats").stdout


def test_what_was_judged_is_kept_in_the_file_for_the_next_process(
    document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_MAX_FALSE_HIT_RATE", "0.005")
    document("store", "How many albums are there?", "SELECT 2")
    document("feedback", "How many albums are there?", "--correct")
    tiers = document("stats")["terms"]["tiers"]
    assert (tiers["exact"]["right"], tiers["exact"]["wrong"], tiers["exact"]["state"]) == (1, 0, "not held")
    assert document("stats")["entries"] == 1


def test_stats_says_what_embedding_costs_where_that_is_known(
    document: Callable[..., Any], medha: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("medha_openai")
    monkeypatch.setenv("MEDHA_OPENAI_API_KEY", "never-sent")
    assert document("stats", "--embedder", "openai")["embedding_cost_per_million_tokens"] == 0.02
    assert "0.02 USD per million tokens" in medha("stats", "--embedder", "openai").stdout
    assert document("stats", "--collection", "other")["embedding_cost_per_million_tokens"] is None


def test_plugins_lists_the_built_in_and_the_installed_with_their_versions(
    document: Callable[..., Any], medha: Callable[..., Result]
) -> None:
    found = {(plugin["name"], plugin["distribution"]): plugin for plugin in document("plugins")["plugins"]}
    sqlite = found["sqlite", "medha-sqlite"]
    assert (sqlite["version"], sqlite["error"]) == (version("medha-sqlite"), None)
    assert sqlite["offers"] == [{"kind": "backend", "name": "sqlite"}]
    assert ("memory", "medha-core") in found
    assert "medha-wordllama" in medha("plugins").stdout


@pytest.mark.long
def test_a_broken_plugin_is_listed_with_why_and_fails_the_doctor(
    shell: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution = tmp_path / "site" / "medha_broken-0.3.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-broken\nVersion: 0.3\n")
    (distribution / "entry_points.txt").write_text("[medha]\nbroken = medha_broken.plugin\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    listed = shell("plugins")
    assert listed.returncode == 0
    assert "medha-broken" in listed.stdout
    assert "No module named 'medha_broken'" in listed.stdout
    examined = shell("doctor")
    assert examined.returncode == 2
    assert "failed" in examined.stdout
    assert shell("search", "q").returncode == 1  # and costs nobody else anything


def test_the_doctor_finds_a_new_installation_well(document: Callable[..., Any], medha: Callable[..., Result]) -> None:
    found = document("doctor")
    assert [check for check in found["checks"] if not check["ok"]] == []
    assert found["ok"]
    names = {check["name"] for check in found["checks"]}
    assert names >= {"python", "core", "settings", "file", "embedder wordllama", "backend sqlite", "collection default"}
    assert medha("doctor").exit_code == 0


def test_the_doctor_leaves_nothing_behind(document: Callable[..., Any]) -> None:
    document("store", "How many albums are there?", "SELECT 1")
    document("doctor")
    assert document("stats")["entries"] == 1


def failed(found: dict[str, Any]) -> dict[str, str]:
    assert not found["ok"]
    return {check["name"]: f"{check['found']} {check['advice']}" for check in found["checks"] if not check["ok"]}


def test_the_doctor_names_an_unknown_variable(document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_COLECTION", "x")
    assert "MEDHA_COLECTION" in failed(document("doctor"))["settings"]


def test_the_doctor_sees_a_file_that_is_no_database(
    document: Callable[..., Any], medha: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "notes.db").write_text("Dear diary, " * 500)
    assert list(failed(document("doctor", "--db", str(tmp_path / "notes.db")))) == ["backend sqlite"]
    assert medha("doctor", "--db", str(tmp_path / "notes.db")).exit_code == 2


def test_the_doctor_sees_a_folder_that_is_not_there(document: Callable[..., Any], tmp_path: Path) -> None:
    assert set(failed(document("doctor", "--db", str(tmp_path / "absent" / "x.db")))) == {"file", "backend sqlite"}


def test_the_doctor_sees_a_collection_of_another_model(
    document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document("store", "How many albums are there?", "SELECT 1")
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", "64")
    told = failed(document("doctor"))
    assert list(told) == ["collection default"]
    assert "256" in told["collection default"]


def test_the_doctor_sees_settings_of_a_plugin_that_are_wrong(
    document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", "100")
    assert "MEDHA_WORDLLAMA_DIMENSION" in failed(document("doctor"))["embedder wordllama"]


@pytest.mark.parametrize("backend", ["sqlite", "memory"])
def test_bench_measures_each_kind_of_lookup_apart_from_the_user_s_cache(
    backend: str, document: Callable[..., Any]
) -> None:
    document("store", "How many albums are there?", "SELECT 1")
    found = document("bench", "--entries", "60", "--lookups", "20", "--backend", backend)
    assert [line["kind"] for line in found["lookups"]] == ["a bare dict", "exact", "L1", "semantic", "miss"]
    assert [(line["asked"], line["answered_so"]) for line in found["lookups"]] == [(20, 20)] * 5
    assert all(0 <= line["p50_milliseconds"] <= line["p95_milliseconds"] for line in found["lookups"])
    assert found["machine"]["python"]
    assert document("stats")["entries"] == 1


def test_bench_shows_a_table_and_the_machine(medha: Callable[..., Result]) -> None:
    shown = medha("bench", "--entries", "20", "--lookups", "10").stdout
    assert "p95 ms" in shown
    assert "10 of 10" in shown
    assert "cores" in shown
