"""``tools/lock.py`` and the lock that is committed: the pins and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tools.lock import strip

ROOT = Path(__file__).resolve().parent.parent

ADDRESS = "https://index.example/simple"
COMPLETE_LOCK = f"""\
version = 1
requires-python = ">=3.11"

[manifest]
members = [
    "alpha",
]

[[package]]
name = "alpha"
version = "0.1.0"
source = {{ editable = "packages/alpha" }}
dependencies = [
    {{ name = "beta" }},
]

[package.metadata]
requires-dist = [{{ name = "beta", specifier = ">=2" }}]

[package.metadata.requires-dev]
dev = [
    {{ name = "beta" }},
]

[[package]]
name = "beta"
version = "2.5"
source = {{ registry = "{ADDRESS}" }}
sdist = {{ url = "{ADDRESS}/beta-2.5.tar.gz", hash = "sha256:00", size = 5 }}
wheels = [
    {{ url = "{ADDRESS}/beta-2.5-py3-none-any.whl", hash = "sha256:01", size = 6 }},
    {{ url = "{ADDRESS}/beta-2.5-cp311-none-any.whl", hash = "sha256:02", size = 7 }},
]

[[package]]
name = "gamma"
version = "1.0"
source = {{ registry = "{ADDRESS}" }}
resolution-markers = [
    "sys_platform == 'win32'",
]
dependencies = [
    {{ name = "beta" }},
]
wheels = [
    {{ url = "{ADDRESS}/gamma-1.0-py3-none-any.whl", hash = "sha256:03", size = 8 }},
]
"""


def pins(lock: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and dependencies of every package."""
    packages = tomllib.loads(lock)["package"]
    return [(p["name"], p.get("version", ""), [d["name"] for d in p.get("dependencies", [])]) for p in packages]


@pytest.fixture
def complete_locks() -> list[str]:
    """Locks with addresses: a small one, and this workspace's own as the last ``uv run`` left it."""
    return [COMPLETE_LOCK, (ROOT / "uv.lock").read_text(encoding="utf-8")]


def test_stripping_removes_every_address(complete_locks: list[str]) -> None:
    assert ["://" in strip(lock) for lock in complete_locks] == [False, False]


def test_stripping_keeps_every_name_version_and_dependency(complete_locks: list[str]) -> None:
    assert len(pins(COMPLETE_LOCK)) == 3
    for lock in complete_locks:
        assert pins(strip(lock)) == pins(lock)


def test_stripping_keeps_what_tells_two_versions_of_a_package_apart() -> None:
    assert tomllib.loads(strip(COMPLETE_LOCK))["package"][2]["resolution-markers"] == ["sys_platform == 'win32'"]


def test_stripping_twice_changes_nothing_more(complete_locks: list[str]) -> None:
    for lock in complete_locks:
        assert strip(strip(lock)) == strip(lock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the tool in its place and room for a lock."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/lock.py", tmp_path / "tools")
    return tmp_path


def run_tool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/lock.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_check_refuses_a_lock_with_addresses_and_changes_nothing(folder: Path) -> None:
    (folder / "uv.lock").write_text(COMPLETE_LOCK)
    result = run_tool(folder, "--check")
    assert result.returncode == 1
    assert "python tools/lock.py" in result.stderr
    assert (folder / "uv.lock").read_text() == COMPLETE_LOCK


def test_the_tool_strips_the_lock_and_check_then_passes(folder: Path) -> None:
    (folder / "uv.lock").write_text(COMPLETE_LOCK)
    assert run_tool(folder).returncode == 0
    assert (folder / "uv.lock").read_text() == strip(COMPLETE_LOCK)
    assert run_tool(folder, "--check").returncode == 0


def test_an_address_it_cannot_strip_is_refused_and_nothing_is_written(folder: Path) -> None:
    lock = COMPLETE_LOCK + f'\n[[package]]\nname = "delta"\nversion = "1"\nsource = {{ git = "{ADDRESS}" }}\n'
    (folder / "uv.lock").write_text(lock)
    result = run_tool(folder)
    assert result.returncode == 1
    assert "an address is left" in result.stderr
    assert (folder / "uv.lock").read_text() == lock


def test_the_committed_lock_is_stripped() -> None:
    # The file in the work tree is no witness: every `uv run` completes it with addresses.
    result = subprocess.run(["git", "show", "HEAD:uv.lock"], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"needs a git checkout: {result.stderr.strip()}")
    assert "://" not in result.stdout
    assert result.stdout == strip(result.stdout)
