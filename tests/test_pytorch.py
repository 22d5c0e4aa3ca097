"""Packages that need PyTorch are found, left alone without it, and tested only where pip has the small build."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.pytorch import main, needing_pytorch, why_not

ROOT = Path(__file__).resolve().parent.parent


def workspace(folder: Path) -> Path:
    """One package that needs PyTorch, and one that does not, each with a test."""
    for name, table in (("medha-light", ""), ("medha-heavy", "[tool.medha]\npytorch = true\n")):
        package = folder / "packages" / name
        (package / "tests").mkdir(parents=True)
        (package / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n{table}')
        (package / "tests" / f"test_{name[6:]}.py").write_text("def test_it(): pass\n")
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "pytorch.py", folder / "tools")
    shutil.copy(ROOT / "packages" / "conftest.py", folder / "packages")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return folder


def test_a_package_that_says_so_is_found(tmp_path: Path) -> None:
    assert needing_pytorch(workspace(tmp_path)) == ["medha-heavy"]


@pytest.mark.parametrize("torch", [False, True])
def test_its_tests_are_left_alone_only_where_pytorch_is_not_installed(tmp_path: Path, torch: bool) -> None:
    if torch:
        (workspace(tmp_path) / "torch.py").write_text("")
    elif importlib.util.find_spec("torch"):
        pytest.skip("PyTorch is installed")
    else:
        workspace(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "-v", "packages"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "test_light.py::test_it" in done.stdout
    assert ("test_heavy.py::test_it" in done.stdout) is torch
    assert ("not here, for want of PyTorch: medha-heavy" in done.stdout) is not torch


def report(*names: str) -> str:
    return json.dumps({"install": [{"metadata": {"name": name}} for name in names]})


def test_only_the_small_build_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert why_not(report("torch", "sympy", "MarkupSafe")) is None
    (tmp_path / "report").write_text(report("torch", "nvidia-cudnn-cu13", "triton"))
    assert main(["judge", str(tmp_path / "report")]) == 1
    assert "built for graphics cards and brings nvidia-cudnn-cu13, triton" in capsys.readouterr().out
    assert "no torch, but nothing" in (why_not(report()) or "")
