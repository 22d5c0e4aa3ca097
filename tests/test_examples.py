"""Every example runs, and does what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SHELF = EXAMPLES / "medha-shelf"
PAGE = EXAMPLES.parent / "docs" / "writing-a-backend.md"
FILES_ON_PAGE = re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def run(name: str) -> str:
    done = subprocess.run([sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=100, check=True)
    assert done.stderr == ""
    return done.stdout


def test_every_example_is_tested_here() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert all(f'"{example.name}"' in source for example in EXAMPLES.glob("*.py"))


def test_in_front_of_a_model_asks_the_model_once_for_each_different_question() -> None:
    printed = run("in_front_of_a_model.py")
    assert printed.count("(the model was asked:") == 2
    assert "How many albums did Mira Vale release? -> 2   [l1_cache]" in printed
    assert "How many albums did The Weir release? -> 1   [generated]" in printed
    assert "after three complaints: gone" in printed


def test_observed_by_prometheus_prints_what_would_be_scraped() -> None:
    printed = run("observed_by_prometheus.py")
    assert 'medha_outcome="hit"' in printed
    assert 'medha_outcome="miss"' in printed


@pytest.mark.parametrize(("file", "block"), FILES_ON_PAGE, ids=[file for file, _ in FILES_ON_PAGE])
def test_the_shelf_is_what_its_page_shows(file: str, block: str) -> None:
    written = (SHELF / file).read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if not line.startswith("from medha_shelf")] == block.splitlines()


def test_the_page_shows_every_file_of_the_shelf() -> None:
    shown = {file for file, _ in FILES_ON_PAGE} | {"src/medha_shelf/__init__.py"}
    assert {str(file.relative_to(SHELF)) for file in SHELF.rglob("*.py")} == shown


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_shelf_reaches_level_full(tmp_path: Path) -> None:
    metadata = tmp_path / "medha_shelf-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-shelf\nVersion: 0.1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text("[medha]\nshelf = medha_shelf.plugin\n", "utf-8")
    command = ["run", "shelf", "--setting", "folder={folder}", "--report-dir", str(tmp_path / "report")]
    done = subprocess.run(
        [sys.executable, "-m", "medha_conformance", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SHELF / "src"), str(tmp_path)]), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))["level"] == "full"
