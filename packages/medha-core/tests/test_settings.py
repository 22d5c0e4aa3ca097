"""Settings: from variables and keywords, in range, and no name that means nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import ValidationError

from medha import Medha, MedhaError, MedhaSync, Settings
from medha.errors import ConfigurationError, InvalidInputError, PluginNotFoundError
from medha.plugins import installed_plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import WatchedBackend, WordsEmbedder

VARIABLES: Final[dict[str, tuple[str, Any]]] = {
    "backend_type": ("sqlite", "sqlite"),
    "embedder_type": ("fastembed", "fastembed"),
    "l1_type": ("redis", "redis"),
    "collection": ("shop", "shop"),
    "listeners": ("otel, audit", ("otel", "audit")),
    "score_threshold_exact": ("0.98", 0.98),
    "score_threshold_semantic": ("0.8", 0.8),
    "score_threshold_fuzzy": ("70", 70.0),
    "score_threshold_template": ("0.5", 0.5),
    "score_threshold_fuzzy_prefilter": ("-0.5", -0.5),
    "fuzzy_prefilter_top_k": ("3", 3),
    "l1_cache_max_size": ("0", 0),
    "embedding_cache_size": ("0", 0),
    "embedding_cache_path": ("/tmp/embeddings.npz", Path("/tmp/embeddings.npz")),  # noqa: S108
    "embedding_timeout": ("1.5", 1.5),
    "extraction_timeout": ("2.5", 2.5),
    "backend_timeout": ("2", 2.0),
    "default_ttl_seconds": ("3600", 3600.0),
    "cleanup_interval_seconds": ("60", 60.0),
    "batch_size": ("7", 7),
    "batch_embed_concurrency": ("2", 2),
    "max_question_length": ("100", 100),
    "template_file": ("templates.json", Path("templates.json")),
    "allowed_file_dir": ("/srv", Path("/srv")),
    "max_file_size_mb": ("0.5", 0.5),
    "collect_stats": ("false", False),
    "stats_max_latency_samples": ("5", 5),
    "max_false_hit_rate": ("0.005", 0.005),
    "feedback_incorrect_threshold": ("1", 1),
    "on_backend_error": ("miss", "miss"),
    "require_scope": ("true", True),
    "learned_templates": ("off", "off"),
    "learned_templates_limit": ("10", 10),
    "query_dialect": ("postgres", "postgres"),
    "values_file": ("values.json", Path("values.json")),
    "extra_guards": ("rerank, judge", ("rerank", "judge")),
    "score_threshold_review": ("0.8", 0.8),
    "review_top_k": ("1", 1),
    "review_timeout": ("2.5", 2.5),
}
OUT_OF_RANGE: Final[dict[str, Sequence[Any]]] = {
    **dict.fromkeys(
        [
            "score_threshold_exact",
            "score_threshold_semantic",
            "score_threshold_fuzzy_prefilter",
            "score_threshold_review",
        ],
        (-1.01, 1.01, float("nan"), "high", None, True),
    ),
    "score_threshold_fuzzy": [-1, 100.5, float("nan")],
    "score_threshold_template": [-0.1, 1.1, float("inf")],
    "fuzzy_prefilter_top_k": [0, 1001, 1.5, True],
    "review_top_k": [0, 101, True],
    "extra_guards": [7, True],
    "l1_cache_max_size": [-1, "many", None],
    "embedding_cache_size": [-1],
    **dict.fromkeys(
        [
            "embedding_timeout",
            "backend_timeout",
            "extraction_timeout",
            "review_timeout",
            "default_ttl_seconds",
            "cleanup_interval_seconds",
        ],
        (0, -1, float("nan"), float("inf"), "soon", True),
    ),
    "batch_size": [0, -1, 100_001, True],
    "learned_templates": ["maybe", None, 1],
    "learned_templates_limit": [0, True, "many"],
    "batch_embed_concurrency": [0, 257],
    "max_question_length": [0, 1_000_001],
    "max_file_size_mb": [0, -1, float("inf")],
    "collect_stats": ["maybe", 2],
    "stats_max_latency_samples": [0, 10_000_001],
    "max_false_hit_rate": [0, -0.1, 1.1, float("nan"), True],
    "feedback_incorrect_threshold": [0, False],
    "on_backend_error": ["ignore", "", None],
    "require_scope": ["perhaps"],
    "backend_type": [None, 7, True],
    "template_file": [7, True],
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("MEDHA_"):
            monkeypatch.delenv(name)


def test_the_tests_name_every_setting() -> None:
    assert set(VARIABLES) == set(Settings.model_fields)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_is_a_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, value = VARIABLES[name]
    default = getattr(Settings(), name)
    monkeypatch.setenv(f"MEDHA_{name.upper()}", text)
    assert getattr(Settings(), name) == value != default
    assert getattr(Settings(**{name: default}), name) == default, "a keyword wins over the variable"


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_is_a_keyword(name: str) -> None:
    value = VARIABLES[name][1]
    assert getattr(Settings(**{name: value}), name) == value


def test_the_case_of_a_variable_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("medha_batch_size", "9")
    assert Settings().batch_size == 9


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in OUT_OF_RANGE.items() for value in values]
)
def test_a_value_out_of_range_is_an_error_that_names_the_setting_and_its_variable(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Settings: {name} \(MEDHA_{name.upper()}\): ") as refused:
        Settings(**{name: value})
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value.__cause__, ValidationError)


def test_a_variable_out_of_range_is_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_BATCH_SIZE", "many")
    monkeypatch.setenv("MEDHA_BACKEND_TIMEOUT", "-1")
    with pytest.raises(ConfigurationError, match=r"backend_timeout \(MEDHA_BACKEND_TIMEOUT\): .*batch_size"):
        Settings()


def test_a_semantic_threshold_above_the_exact_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"score_threshold_semantic 0\.95 is above score_threshold_exact 0\.9"):
        Settings(score_threshold_semantic=0.95, score_threshold_exact=0.9)
    assert Settings(score_threshold_semantic=0.9, score_threshold_exact=0.9).score_threshold_exact == 0.9


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("score_treshold_exact", "there is no setting 'score_treshold_exact'. Did you mean 'score_threshold_exact'"),
        ("batchsize", "there is no setting 'batchsize'. Did you mean 'batch_size'"),
        ("qdrant_host", "there is no setting 'qdrant_host'; the settings are allowed_file_dir, backend_timeout"),
        ("MEDHA_BATCH_SIZE", "there is no setting 'MEDHA_BATCH_SIZE'"),
    ],
)
def test_an_unknown_keyword_is_an_error_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings(**{name: 1})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "MEDHA_SCORE_TRESHOLD_EXACT",
            "MEDHA_SCORE_TRESHOLD_EXACT is not a setting of Medha: did you mean",
        ),
        ("MEDHA_BATCHSIZE", "did you mean MEDHA_BATCH_SIZE"),
        ("medha_batchsize", "did you mean MEDHA_BATCH_SIZE"),
        ("MEDHA_ZZZ", "MEDHA_ZZZ is not a setting of Medha: no installed plugin has such a setting"),
        ("MEDHA_NOSUCHPLUGIN_URL", "no installed plugin has such a setting"),
        ("MEDHA_", "MEDHA_ is not a setting of Medha"),
    ],
)
def test_an_unknown_variable_is_an_error_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=f"the environment variable {message}|{message}"):
        Settings()


def test_every_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_BATCHSIZE", "1")
    monkeypatch.setenv("MEDHA_ZZZ", "1")
    with pytest.raises(ConfigurationError) as refused:
        Settings()
    assert all(name in str(refused.value) for name in ("MEDHA_BATCHSIZE", "MEDHA_ZZZ"))


def test_variables_for_tests_and_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_TEST_QDRANT_URL", "http://localhost")
    monkeypatch.setenv("MEDHAX", "1")
    monkeypatch.setenv("OTHER_MEDHA_THING", "1")
    assert Settings() == Settings()


def test_variables_of_installed_plugins_are_left_to_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "medha_far_away-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-far-away\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[medha]\nfar-away = medha_far_away.plugin\n")
    monkeypatch.setenv("MEDHA_FAR_AWAY_URL", "http://localhost")
    with pytest.raises(ConfigurationError, match="MEDHA_FAR_AWAY_URL"):
        Settings()
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    installed_plugins.cache_clear()
    try:
        assert Settings().batch_size == 500
        monkeypatch.setenv("MEDHA_FAR_OFF_URL", "http://localhost")
        with pytest.raises(ConfigurationError, match="MEDHA_FAR_OFF_URL"):
            Settings()
    finally:
        installed_plugins.cache_clear()


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.batch_size = 7
    assert hash(Settings(batch_size=7)) == hash(Settings(batch_size=7))


def test_a_cache_without_settings_reads_the_variables(
    monkeypatch: pytest.MonkeyPatch, embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    monkeypatch.setenv("MEDHA_MAX_QUESTION_LENGTH", "5")
    assert Medha("tests", embedder, backend).settings.max_question_length == 5


async def test_from_settings_builds_from_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_COLLECTION", "shop")
    monkeypatch.setenv("MEDHA_EMBEDDER_TYPE", "no-such-embedder")
    cache = Medha.from_settings()
    assert (cache.collection_name, cache.settings.embedder_type) == ("shop", "no-such-embedder")
    with pytest.raises(PluginNotFoundError, match="no embedder named 'no-such-embedder'"):
        await cache.start()
    monkeypatch.delenv("MEDHA_EMBEDDER_TYPE")
    assert MedhaSync.from_settings(Settings(collection="other")).cache.collection_name == "other"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("backend_type", "no backend named 'memry'; installed: .*Did you mean 'memory'"),
        ("l1_type", "no L1 cache named 'memry'; installed: .*Did you mean 'memory'"),
    ],
)
async def test_from_settings_names_the_nearest_plugin(embedder: WordsEmbedder, name: str, message: str) -> None:
    with pytest.raises(MedhaError, match=message):
        await Medha("tests", embedder, settings=Settings(**{name: "memry"})).start()


def test_from_settings_refuses_a_collection_without_a_name() -> None:
    with pytest.raises(InvalidInputError, match="a collection name has 1 to 200 characters"):
        Medha.from_settings(Settings(collection=" "))


@pytest.mark.parametrize("part", ["embedder", "backend", "l1_backend"])
async def test_a_part_that_is_neither_an_instance_nor_a_name_is_refused(
    embedder: WordsEmbedder, backend: WatchedBackend, part: str
) -> None:
    parts: dict[str, Any] = {"embedder": embedder, "backend": backend, part: object()}
    with pytest.raises(ConfigurationError, match=r"must be a .* or the name of a plugin, not object"):
        await Medha("tests", **parts).start()
