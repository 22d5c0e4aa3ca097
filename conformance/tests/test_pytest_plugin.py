"""A stranger's distribution under pytest: found by its entry point, in strict asyncio mode, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_PLUGIN = """
from medha import PLUGIN_API, BackendPlugin, hookimpl
from medha.memory import MemoryBackend
from pydantic_settings import BaseSettings, SettingsConfigDict


class AtticSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MEDHA_ATTIC_", extra="forbid")
    backwards: bool


class AtticBackend(MemoryBackend):
    def __init__(self, settings):
        super().__init__()
        self.backwards = settings.backwards

    async def search(self, collection, vector, **options):
        found = await super().search(collection, vector, **options)
        return found[::-1] if self.backwards else found


@hookimpl
def medha_register_backends():
    return [
        BackendPlugin(
            name="attic",
            factory=AtticBackend,
            settings=AtticSettings,
            capabilities=MemoryBackend.capabilities,
            api_version=PLUGIN_API,
        )
    ]
"""

pytestmark = pytest.mark.long

_TESTS = """
import pytest
from medha_conformance import BackendSuite
from medha_attic import AtticSettings


class TestSound(BackendSuite):
    backend_name = "attic"

    @pytest.fixture
    def settings(self):
        return {"backwards": False}

    def test_of_its_own(self, make_backend):
        assert make_backend().backwards is False


@pytest.mark.variant
class TestSoundElsewhere(TestSound):
    pass


class TestBroken(BackendSuite):
    backend_name = "attic"

    @pytest.fixture
    def settings(self):
        return AtticSettings(backwards=True)


class TestExcused(BackendSuite):
    backend_name = "attic"
    known_failures = {
        "test_matches_come_closest_first": "the attic is read from the back",
        "test_every_field_comes_back": "nobody has looked",
    }

    @pytest.fixture
    def settings(self):
        return {"backwards": True}


class TestMisled(BackendSuite):
    backend_name = "attic"

    @pytest.fixture
    def settings(self):
        return {"backward": True}
"""

_CHOSEN = "closest_first or every_field_comes_back or of_its_own"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("attic")
    (folder / "medha_attic.py").write_text(_PLUGIN)
    (folder / "test_attic.py").write_text(_TESTS)
    metadata = folder / "medha_attic-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-attic\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[medha]\nattic = medha_attic\n")
    return folder


def _pytest(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *arguments, "test_attic.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(folder: Path) -> str:
    # scopes that are not the suite's own: its tests and fixtures say theirs
    options = [
        "asyncio_mode=strict",
        "asyncio_default_test_loop_scope=session",
        "asyncio_default_fixture_loop_scope=module",
    ]
    chosen = [argument for option in options for argument in ("-o", option)]
    return _pytest(folder, "-rA", *chosen, "-k", _CHOSEN)


def _outcome(report: str, test: str) -> str:
    found = re.search(rf"^(PASSED|FAILED|XFAIL|ERROR) test_attic.py::{test}", report, re.MULTILINE)
    assert found is not None, report
    return found[1]


def test_a_sound_backend_passes(report: str) -> None:
    assert _outcome(report, "TestSound::test_matches_come_closest_first") == "PASSED"
    assert _outcome(report, "TestSound::test_every_field_comes_back") == "PASSED"


def test_tests_of_ones_own_run_beside_the_standard_ones(report: str) -> None:
    assert _outcome(report, "TestSound::test_of_its_own") == "PASSED"


def test_a_broken_backend_fails_and_the_values_are_shown(report: str) -> None:
    assert _outcome(report, "TestBroken::test_matches_come_closest_first") == "FAILED"
    assert "At index 0 diff" in report, "the suite's assertions are not rewritten"


def test_a_known_failure_that_fails_is_expected(report: str) -> None:
    assert _outcome(report, "TestExcused::test_matches_come_closest_first") == "XFAIL"
    assert "the attic is read from the back" in report


def test_a_known_failure_that_passes_is_a_failure(report: str) -> None:
    assert _outcome(report, "TestExcused::test_every_field_comes_back") == "FAILED"
    assert "[XPASS(strict)] nobody has looked" in report


def test_a_misspelt_setting_says_which_one_was_meant(report: str) -> None:
    assert _outcome(report, "TestMisled::test_every_field_comes_back") == "ERROR"
    assert "there is no setting 'backward'. Did you mean 'backwards'?" in report


def test_the_version_of_the_suite_is_in_the_header(report: str) -> None:
    assert re.search(r"^medha-conformance: \d", report, re.MULTILINE)


LONG = [
    "test_a_batch_of_5000",
    "test_a_cancelled_upsert",
    "test_any_sequence_of_calls",
    "test_connecting_to_a_stopped_server_says_that_it_is_unavailable",
]


def collected(folder: Path, suites: str) -> dict[str, str]:
    """What is left of either class, and what pytest says at the end."""
    scope = "asyncio_default_fixture_loop_scope=function"
    told = _pytest(folder, "-o", scope, f"--suites={suites}", "--collect-only", "-q", "-k", "TestSound")
    classes = ("TestSound", "TestSoundElsewhere")
    of_each = {name: "\n".join(line for line in told.splitlines() if f"::{name}::" in line) for name in classes}
    return {**of_each, "end": told.splitlines()[-1]}


def test_brief_suites_leave_out_what_takes_long_and_no_test_of_ones_own(folder: Path) -> None:
    left = collected(folder, "brief")
    assert "test_of_its_own" in left["TestSound"]
    assert "test_matches_come_closest_first" in left["TestSound"]
    assert [name for name in LONG if name in left["TestSound"]] == []
    assert "deselected" in left["end"]


def test_a_variant_is_left_out_of_brief_suites_and_never_repeats_what_takes_long(folder: Path) -> None:
    assert collected(folder, "brief")["TestSoundElsewhere"] == ""
    left = collected(folder, "full")
    assert [name for name in LONG if name not in left["TestSound"]] == []
    assert "test_of_its_own" in left["TestSoundElsewhere"]
    assert "test_matches_come_closest_first" in left["TestSoundElsewhere"]
    assert [name for name in LONG if name in left["TestSoundElsewhere"]] == []
