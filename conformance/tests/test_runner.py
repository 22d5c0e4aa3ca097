"""The command, as somebody runs it who does not know pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from medha_conformance.runner.cli import main
from medha_conformance.runner.report import Level, Outcome, Report
from medha_conformance.runner.versions import server_version

if TYPE_CHECKING:
    from pathlib import Path

_PLUGIN = """
import asyncio
import re

from medha import PLUGIN_API, BackendPlugin, Extractor, ExtractorPlugin, L1Plugin, Span, hookimpl, not_yet, Capability
from medha.builtin_plugins import MemoryL1Settings
from medha.l1_memory import MemoryL1Cache
from medha.memory import MemoryBackend
from pydantic_settings import BaseSettings, SettingsConfigDict


class AtticSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MEDHA_ATTIC_", extra="forbid")
    backwards: bool = False
    folder: str = ""


def capabilities_with(settings):
    lacking = {Capability.SHARED: not_yet("nobody needs it")} if settings.folder else {}
    return {**MemoryBackend.capabilities, **lacking}


class AtticBackend(MemoryBackend):
    def __init__(self, settings):
        super().__init__()
        self.capabilities = capabilities_with(settings)
        assert "{" not in settings.folder
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
            capabilities=AtticBackend.capabilities,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]


@hookimpl
def medha_register_l1_caches():
    make = lambda settings: MemoryL1Cache(settings.max_size)
    return [L1Plugin(name="attic", factory=make, settings=MemoryL1Settings, api_version=PLUGIN_API)]


class Codes(Extractor):
    labels = ("code",)

    async def aextract_batch(self, texts, labels):
        return await asyncio.to_thread(self.read, list(texts), "code" in labels)

    def read(self, texts, asked):
        return [[Span(*found.span(), "code") for found in re.finditer("[A-Z]-[0-9]", text) if asked] for text in texts]


@hookimpl
def medha_register_extractors():
    make = lambda settings: Codes()
    return [ExtractorPlugin(name="attic", factory=make, settings=AtticSettings, api_version=PLUGIN_API)]
"""
# what would break every pytest that is started in this folder
_HOSTILE_CONFTEST = "raise RuntimeError('a conftest of the user was loaded')\n"
_HOSTILE_INI = "[pytest]\naddopts = --no-such-option\n"


class Ran:
    """One run of the command in a folder that has the plugin and is hostile to pytest."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        (folder / "medha_attic.py").write_text(_PLUGIN)
        metadata = folder / "medha_attic-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-attic\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[medha]\nattic = medha_attic\n")
        (folder / "conftest.py").write_text(_HOSTILE_CONFTEST)
        (folder / "pytest.ini").write_text(_HOSTILE_INI)
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "--no-such-option"}
        command = "import sys; from medha_conformance.runner.cli import main; sys.exit(main())"
        self.done = subprocess.run(
            [sys.executable, "-c", command, "run", "attic", "--report-dir", "report", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        self.code, self.output = self.done.returncode, self.done.stdout
        self.folder = folder / "report"

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def test_a_plugin_with_something_not_yet_done_has_the_level_base(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "--setting", "folder={folder}")
    assert ran.code == 0, ran.output + ran.done.stderr
    assert "level: base" in ran.output
    assert "shared: not yet: nobody needs it" in ran.output
    report = ran.json("report.json")
    assert (report["level"], report["distribution"], report["version"]) == ("base", "medha-attic", "1.0")
    assert report["counts"]["failed"] == 0
    assert report["tests"]["test_matches_come_closest_first"] == {"outcome": "passed", "reason": ""}
    assert ran.json("badge.json")["message"] == "base"
    suites = ET.parse(ran.folder / "junit.xml").getroot()  # noqa: S314 - our own file
    assert len(suites.findall(".//testcase")) == len(report["tests"])


def test_a_broken_plugin_has_the_level_none_and_the_report_shows_the_values(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "--setting", "backwards=true")
    assert ran.code == 1
    assert "level: none" in ran.output
    assert "test_matches_come_closest_first fails" in ran.output
    reason = ran.json("report.json")["tests"]["test_matches_come_closest_first"]["reason"]
    assert "At index 0 diff" in reason, "the suite's assertions are not rewritten"


def test_l1_caches_have_their_own_suite_and_known_failures_are_strict(tmp_path: Path) -> None:
    excuse = "test_an_absent_key_is_no_answer=it never rains"
    ran = Ran(tmp_path, "--kind", "l1", "--known-failure", excuse)
    assert ran.code == 1
    test = ran.json("report.json")["tests"]["test_an_absent_key_is_no_answer"]
    assert (test["outcome"], test["reason"]) == ("failed", "[XPASS(strict)] it never rains")


def test_extractors_have_their_own_suite_on_examples_of_the_author(tmp_path: Path) -> None:
    examples = [*("--example", "stock of A-1", "code", "A-1"), *("--example", "who sells 'B-2'?", "code", "B-2")]
    ran = Ran(tmp_path, "--kind", "extractor", *examples)
    assert ran.code == 0, ran.output + ran.done.stderr
    assert "level: full" in ran.output
    assert ran.json("report.json")["tests"]["test_the_examples_are_found"]["outcome"] == "passed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "memory", "--example", "users from Rome", "GPE", "Rome"], "examples are for extractors"),
        (["run", "memry"], "Did you mean 'memory'?"),
        (["run", "memory", "--service", "rediss"], "no service is called 'rediss'"),
        (["run", "memory", "--service-url", "redis://127.0.0.1:1"], "has no setting `url`"),
        (["run", "memory", "--setting", "folder=here"], "there is no setting 'folder'"),
        (["new", "backend", "My Engine"], "cannot be the name of a plugin"),
    ],
)
def test_what_cannot_be_run_is_a_usage_error(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_malformed_setting_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "memory", "--setting", "folder"])
    assert stopped.value.code == 2
    assert "'folder' is not of the form NAME=VALUE" in capsys.readouterr().err


def _report(capability: str = "full", **tests: Outcome) -> Report:
    return Report(
        kind="backend",
        name="x",
        distribution="medha-x",
        version="1",
        suite="1",
        ran_against="this process",
        served_by="none",
        capabilities={"durable": capability},
        tests=tests,
    )


_PASSED = Outcome("passed")


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (_report(a=_PASSED, b=Outcome("skipped", "impossible")), Level.FULL),
        (_report("impossible: it is a sieve", a=_PASSED), Level.FULL),
        (_report("not yet: no time", a=_PASSED), Level.BASE),
        (_report(a=_PASSED, b=Outcome("known failure", "an old bug")), Level.BASE),
        (_report(a=_PASSED, b=Outcome("failed", "AssertionError")), Level.NONE),
        (_report(a=Outcome("skipped", "no server")), Level.NONE),
        (_report(), Level.NONE),
    ],
)
def test_levels(report: Report, level: Level) -> None:
    assert report.level is level
    assert (report.why_not_full == []) is (level is Level.FULL)
    assert f": {level}" in report.markdown()


def test_a_run_in_which_everything_was_skipped_says_why() -> None:
    assert _report(a=Outcome("skipped", "no server")).why_not_full == ["no test passed: no server"]


@pytest.mark.parametrize(
    ("variable", "first"),
    [
        ("MEDHA_TEST_REDIS_URL", "78"),
        ("MEDHA_TEST_PGVECTOR_URL", "1"),
        ("MEDHA_TEST_QDRANT_URL", "1"),
        ("MEDHA_TEST_ELASTICSEARCH_URL", "89"),
    ],
)
def test_a_server_says_its_version(variable: str, first: str) -> None:
    address = os.environ.get(variable)
    if address is None:
        pytest.skip(f"{variable} is not set")
    version = server_version(address)
    assert version is not None
    assert version[0] in first


def test_a_server_that_is_not_there_has_no_version() -> None:
    for address in ("http://127.0.0.1:1", "redis://127.0.0.1:1", "postgresql://127.0.0.1:1/x", "other://x"):
        assert server_version(address) is None
