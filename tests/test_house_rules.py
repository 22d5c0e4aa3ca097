"""The rules of the house that no linter holds: sizes, names, what a package has, what an import costs."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = sorted([*(file.parent for file in ROOT.glob("packages/*/pyproject.toml")), ROOT / "conformance"])
FOLDERS = ["packages", "conformance", "tests", "tools", "benchmarks", "examples"]
SOURCES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))

MAX_FILE_LINES = 400
MAX_PLUGIN_FILE_LINES = 250
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 250
NAMES_THAT_SAY_NOTHING = {"common", "helper", "helpers", "misc", "util", "utils"}
HEAVY = {
    "anyio", "azure", "chromadb", "cohere", "elasticsearch", "fastembed", "gliner", "google.genai", "httpx", "httpx2",
    "lancedb", "mistralai", "numpy", "onnxruntime", "openai", "opentelemetry", "pandas", "psycopg", "pyarrow",
    "qdrant_client", "rapidfuzz", "redis", "regex", "rich", "sentence_transformers", "spacy", "sqlglot", "sqlite3",
    "typer", "weaviate", "wordllama",
}  # fmt: skip
REGISTRY_HOSTS = [
    # Joined here, so that this file passes its own rule.
    ".".join(parts)
    for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"),
                  ("anaconda", "org"), ("crates", "io"), ("jfrog", "io")]
]  # fmt: skip

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


@cache
def toml(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def module_name(package: Path) -> str:
    return toml(package / "pyproject.toml")["tool"]["uv"]["build-backend"]["module-name"]


def is_plugin(package: Path) -> bool:
    return "medha" in toml(package / "pyproject.toml")["project"].get("entry-points", {})


def lines_of(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


# ---- sizes ----


def too_long(source: Path) -> Iterator[str]:
    text = source.read_text(encoding="utf-8")
    if (lines := text.count("\n")) > MAX_FILE_LINES:
        yield f"{source} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            limit = MAX_CLASS_LINES if isinstance(node, ast.ClassDef) else MAX_FUNCTION_LINES
            if lines_of(node) > limit:
                yield f"{source}: {node.name} has {lines_of(node)} lines"


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_functions_and_classes_stay_small(folder: str) -> None:
    sources = [source for source in SOURCES if source.is_relative_to(ROOT / folder)]
    assert sources != []
    assert [found for source in sources for found in too_long(source)] == []


@pytest.mark.parametrize("package", [p for p in PACKAGES if is_plugin(p)], ids=lambda package: package.name)
def test_a_plugin_has_no_long_file(package: Path) -> None:
    lengths = {file.name: file.read_text(encoding="utf-8").count("\n") for file in (package / "src").rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > MAX_PLUGIN_FILE_LINES} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = [part.removesuffix(".py") for source in SOURCES for part in source.relative_to(ROOT).parts]
    assert NAMES_THAT_SAY_NOTHING.isdisjoint(names)


# ---- what a package has ----


@each_package
def test_a_package_has_all_its_papers(package: Path) -> None:
    project = toml(package / "pyproject.toml")["project"]
    assert f"## {project['version']}" in (package / "CHANGELOG.md").read_text(encoding="utf-8")
    assert (package / "README.md").read_text(encoding="utf-8").startswith(f"# {project['name']}")
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (package / "src" / module_name(package) / "py.typed").exists()


@each_package
def test_a_package_has_tests(package: Path) -> None:
    assert list(package.glob("tests/**/test_*.py")) != []


@each_package
def test_a_package_accepts_the_same_pythons_as_the_workspace(package: Path) -> None:
    workspace = toml(ROOT / "pyproject.toml")["project"]["requires-python"]
    assert toml(package / "pyproject.toml")["project"]["requires-python"] == workspace


@each_package
def test_the_workspace_knows_the_package_wherever_it_lists_them(package: Path) -> None:
    settings = toml(ROOT / "pyproject.toml")["tool"]
    assert toml(package / "pyproject.toml")["project"]["name"] in settings["uv"]["sources"]
    assert module_name(package) in settings["coverage"]["run"]["source_pkgs"]
    assert module_name(package) in settings["importlinter"]["root_packages"]


# ---- what is public ----


def test_the_public_names_are_sorted_and_importable() -> None:
    medha = importlib.import_module("medha")
    names: list[str] = medha.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(medha, name)] == []


def private_imports(source: Path, own: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first.startswith("medha") and first != own and any(p.startswith("_") and p[-2:] != "__" for p in rest):
                yield name


@each_package
def test_a_package_imports_no_private_name_of_another(package: Path) -> None:
    own = module_name(package)
    found = {str(file): list(private_imports(file, own)) for file in (package / "src").rglob("*.py")}
    assert {file: names for file, names in found.items() if names} == {}


NEW_AFTER_EACH = """
import importlib, json, sys
new = {}
for module in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(module)
    new[module] = sorted(set(sys.modules) - before)
print(json.dumps(new))
"""


def new_after_each(*modules: str) -> dict[str, set[str]]:
    command = [sys.executable, "-c", NEW_AFTER_EACH, *modules]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return {module: set(new) for module, new in json.loads(result.stdout).items()}


def plugin_modules() -> list[str]:
    projects = [toml(package / "pyproject.toml")["project"] for package in PACKAGES]
    return sorted({module for one in projects for module in one.get("entry-points", {}).get("medha", {}).values()})


def test_medha_and_plugins_that_say_what_they_offer_import_nothing_heavy() -> None:
    plugins = plugin_modules()
    loaded = new_after_each("medha", *plugins)
    assert "medha.settings" in loaded["medha"]
    assert [plugin for plugin in plugins if plugin not in loaded[plugin]] == []
    assert {module: new & HEAVY for module, new in loaded.items() if new & HEAVY} == {}


# ---- what is written nowhere ----


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"needs a git checkout: {result.stderr.strip()}")
    return [file for name in result.stdout.split("\0") if name and (file := ROOT / name).is_file()]


def test_no_file_names_a_registry() -> None:
    # uv.lock is left out: `uv run` completes it locally, and tests/test_lock.py looks at what is committed.
    files = [file for file in tracked_files() if file != ROOT / "uv.lock"]
    assert Path(__file__).resolve() in files
    texts = {file: file.read_bytes() for file in files}
    assert [f"{file}: {host}" for file, text in texts.items() for host in REGISTRY_HOSTS if host.encode() in text] == []


def test_the_readme_opens_with_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:60])
    assert "pip install uv && uv run medha demo" in first_screen
    assert "pip install uv && uv run pytest" in first_screen


@each_package
def test_the_changelog_of_the_workspace_points_to_that_of_the_package(package: Path) -> None:
    link = (package / "CHANGELOG.md").relative_to(ROOT).as_posix()
    assert f"]({link})" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# ---- CI ----


def test_the_workflows_and_the_contributing_guide_name_only_stages_that_exist() -> None:
    stages = set(re.findall(r"^stage_(\w+)\(\)", (ROOT / ".ci/stages.sh").read_text(encoding="utf-8"), re.MULTILINE))
    files = [*ROOT.glob(".github/workflows/*.yml"), ROOT / "CONTRIBUTING.md"]
    calls = [
        call for file in files for call in re.findall(r"bash \.ci/run ([^`\n]+)", file.read_text(encoding="utf-8"))
    ]
    words = " ".join(re.sub(r"\$\{\{.*?\}\}", "", call) for call in calls).replace('"', "").split()
    named = {word.partition(":")[0] for word in words}
    assert "isolated" in named
    assert named <= stages
