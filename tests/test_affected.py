"""``tools/affected.py``: which packages a change can break."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.affected import Package, affected, read_packages

ROOT = Path(__file__).resolve().parent.parent


def package(name: str, *dependencies: str, folder: str = "") -> Package:
    return Package(name, folder or f"packages/{name}", frozenset(dependencies))


PACKAGES = [
    package("medha-app", "medha-core", "medha-cli"),
    package("medha-cli", "medha-core", "medha-sqlite"),
    package("medha-conformance", "medha-core", folder="conformance"),
    package("medha-core"),
    package("medha-qdrant", "medha-core"),
    package("medha-sqlite", "medha-core"),
]
EVERY_ONE = [package.name for package in PACKAGES]


def test_a_package_affects_itself() -> None:
    assert affected(["packages/medha-qdrant/src/medha_qdrant/backend.py"], PACKAGES) == ["medha-qdrant"]


def test_a_package_affects_all_that_depend_on_it_however_indirectly() -> None:
    assert affected(["packages/medha-sqlite/pyproject.toml"], PACKAGES) == ["medha-app", "medha-cli", "medha-sqlite"]


def test_several_changes_add_up() -> None:
    paths = [
        "packages/medha-qdrant/tests/test_errors.py",
        "CONTRIBUTING.md",
        "packages/medha-app/src/medha_app/__init__.py",
    ]
    assert affected(paths, PACKAGES) == ["medha-app", "medha-qdrant"]


@pytest.mark.parametrize(
    "path",
    [
        "packages/medha-core/src/medha/where.py",
        "packages/medha-core/tests/test_where.py",
        "conformance/src/medha_conformance/corpus.py",
        "pyproject.toml",
        "uv.lock",
        ".ci/run",
        ".github/workflows/ci.yml",
        "tools/affected.py",
        "a_file_of_no_known_kind",
        "packages/medha-removed/src/medha_removed/__init__.py",
        "packages/medha-cli-more/src/x.py",
    ],
)
def test_what_everything_stands_on_affects_everything(path: str) -> None:
    assert affected([path], PACKAGES) == EVERY_ONE


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "docs/picture.svg",
        "examples/warm.py",
        "benchmarks/bench_l1.py",
        "tests/test_docs.py",
        "LICENSE",
        ".gitignore",
    ],
)
def test_what_the_root_tests_cover_affects_no_package(path: str) -> None:
    assert affected([path], PACKAGES) == []


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("packages/medha-cli/README.md", "medha-cli"),
        ("packages/medha-core/README.md", "medha-core"),
        ("conformance/CHANGELOG.md", "medha-conformance"),
        ("docs/writing-a-backend.md", "medha-conformance"),
    ],
)
def test_a_document_affects_only_the_package_whose_tests_read_it(path: str, reader: str) -> None:
    assert affected([path], PACKAGES) == [reader]


def test_no_change_affects_nothing() -> None:
    assert affected([], PACKAGES) == []


def test_the_packages_of_this_workspace_are_read_with_their_dependencies() -> None:
    packages = {package.name: package for package in read_packages(ROOT)}
    assert packages["medha-conformance"].folder == "conformance"
    assert packages["medha-core"].folder == "packages/medha-core"
    assert all("medha-core" in package.dependencies for name, package in packages.items() if name != "medha-core")
    assert list(packages) == sorted(packages)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A git repository with two packages, the tool, and one commit on ``main``."""
    write_package(tmp_path / "packages/medha-sqlite", "medha-sqlite", ["medha-core>=0.1"])
    write_package(tmp_path / "packages/medha-cli", "medha-cli", ["medha-sqlite[fast]>=0.1; python_version > '3'"])
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/affected.py", tmp_path / "tools")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "change")
    return tmp_path


def write_package(folder: Path, name: str, dependencies: list[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f"[project]\nname = {name!r}\ndependencies = {dependencies!r}\n")
    (folder / "code.py").write_text(f"# the code of {name}, long enough for git to recognise it when it moves\n")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")


def run_tool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/affected.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def affected_in(folder: Path, *arguments: str) -> list[str]:
    result = run_tool(folder, *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_commit_on_a_branch_affects_what_it_touched(workspace: Path) -> None:
    (workspace / "packages/medha-cli/code.py").write_text("changed\n")
    commit(workspace)
    assert affected_in(workspace, "main") == ["medha-cli"]


def test_what_others_changed_on_the_base_meanwhile_is_not_counted(workspace: Path) -> None:
    (workspace / "packages/medha-cli/code.py").write_text("changed\n")
    commit(workspace)
    git(workspace, "checkout", "--quiet", "main")
    (workspace / "packages/medha-sqlite/code.py").write_text("changed by others\n")
    commit(workspace)
    git(workspace, "checkout", "--quiet", "change")
    assert affected_in(workspace, "main") == ["medha-cli"]


def test_a_moved_file_affects_the_package_it_left(workspace: Path) -> None:
    (workspace / "docs").mkdir()
    git(workspace, "mv", "packages/medha-sqlite/code.py", "docs/a name with ümlaut.py")
    commit(workspace)
    assert affected_in(workspace, "main") == ["medha-cli", "medha-sqlite"]


def test_everything_is_affected_when_there_is_no_base(workspace: Path) -> None:
    assert affected_in(workspace, "0" * 40) == affected_in(workspace, "--all") == ["medha-cli", "medha-sqlite"]


def test_an_unknown_base_is_an_error_that_says_what_to_do(workspace: Path) -> None:
    result = run_tool(workspace, "no-such-branch")
    assert result.returncode != 0
    assert result.stdout == ""
    assert "no-such-branch" in result.stderr
    assert "--all" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--every"], ["main", "more"]])
def test_wrong_arguments_print_how_to_use_it(workspace: Path, arguments: list[str]) -> None:
    result = run_tool(workspace, *arguments)
    assert result.returncode == 2
    assert "affected.py BASE" in result.stderr
