"""The package that ``medha-conformance new backend`` writes: it runs at once, and says what is not written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from medha_conformance.runner.cli import main
from medha_conformance.runner.new import UnusableNameError, write_backend

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.timeout(300)  # a whole suite runs in one of them

_OPTIONS = ["-q", "--tb=short", "-p", "no:randomly", "--suites=brief", "--junit-xml=junit.xml"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "medha-grain-store"
    assert main(["new", "backend", "grain-store", "--folder", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def suite(package: Path) -> ET.Element:
    """What its own tests say, run where it is installed."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, module),) = project["entry-points"]["medha"].items()
    metadata = package / "src" / "medha_grain_store-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[medha]\n{name} = {module}\n")
    subprocess.run(
        [sys.executable, "-m", "pytest", *_OPTIONS],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package / "src"), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        check=False,
        timeout=290,
    )
    return ET.parse(package / "junit.xml").getroot()  # noqa: S314 - our own file


def test_it_has_every_room(package: Path) -> None:
    files = {file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file()}
    module = {f"src/medha_grain_store/{name}.py" for name in ("settings", "schema", "errors", "backend", "plugin")}
    papers = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".github/workflows/ci.yml"}
    assert module | papers | {"tests/test_conformance.py", "src/medha_grain_store/__init__.py"} <= files


def test_no_placeholder_is_left(package: Path) -> None:
    for file in package.rglob("*"):
        if file.is_file() and file.suffix in {".py", ".toml", ".md"}:
            assert not re.search(r"\$\{?(name|module|Class|PREFIX)", file.read_text(encoding="utf-8")), file
    assert "${{ matrix.python }}" in (package / ".github/workflows/ci.yml").read_text(encoding="utf-8")


@pytest.mark.long
def test_its_suite_runs_and_fails_only_for_what_is_not_written(suite: ET.Element) -> None:
    cases = suite.findall(".//testcase")
    wrong = [problem for case in cases for problem in (*case.findall("failure"), *case.findall("error"))]
    assert len(cases) > 100
    assert len(wrong) > 100
    for problem in wrong:
        assert re.search(r"GrainStoreBackend\.\w+ is not written yet", problem.text or ""), problem.text


@pytest.mark.long
def test_what_is_written_passes(suite: ET.Element) -> None:
    passed = {case.get("name") for case in suite.findall(".//testcase") if not list(case)}
    assert "test_closing_what_was_never_connected_is_harmless" in passed


@pytest.mark.parametrize("name", ["", "Redis", "my_engine", "-x", "2x", "a b", "class", "ä"])
def test_a_name_that_no_plugin_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableNameError, match="cannot be the name of a plugin"):
        write_backend(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("work")
    with pytest.raises(UnusableNameError, match="not empty"):
        write_backend("granary", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["precious"]
