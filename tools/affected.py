"""Say which packages a change can break, as the JSON list that a CI matrix reads.

    python tools/affected.py BASE      what changed between BASE and HEAD, seen from where they parted
    python tools/affected.py --all     every package

A package is affected by its own files and by those of the packages it depends on; by a document only where its tests
read that document. What no rule here knows affects everything: a new kind of file costs a long run, never a missed one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent

FOR_EVERYONE: Final = frozenset({"medha-core", "medha-conformance"})
"""Every package runs on the one and is judged by the other."""

ROOT_FOLDERS_WITHOUT_PACKAGES: Final = frozenset({"benchmarks", "docs", "examples", "tests"})
"""The workspace's own tests cover these, and they run on every change."""

READERS_OF_DOCS: Final = frozenset({"medha-conformance"})
"""Their tests hold pages of ``docs`` to account."""

NO_COMMIT: Final = "0" * 40
"""What git and CI services write for 'there was nothing before'."""


@dataclass(frozen=True, slots=True)
class Package:
    """One member of the workspace."""

    name: str
    folder: str
    dependencies: frozenset[str]


def read_packages(root: Path) -> list[Package]:
    """The workspace's packages, sorted by name."""
    packages: list[Package] = []
    for file in [*root.glob("packages/*/pyproject.toml"), *root.glob("conformance/pyproject.toml")]:
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        requirements: list[str] = list(project.get("dependencies", []))
        for extra in project.get("optional-dependencies", {}).values():
            requirements += extra
        names = frozenset(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0] for requirement in requirements)
        packages.append(Package(project["name"], file.parent.relative_to(root).as_posix(), names))
    return sorted(packages, key=lambda package: package.name)


def affected(paths: Iterable[str], packages: Sequence[Package]) -> list[str]:
    """The names of the packages to test when these files (relative to the root, with slashes) changed."""
    changed: set[str] = set()
    readers: set[str] = set()
    for path in map(PurePosixPath, paths):
        owner = next((package.name for package in packages if path.is_relative_to(package.folder)), None)
        if path.suffix == ".md" or path.name in {"LICENSE", ".gitignore"}:
            readers |= _readers(path, owner)
        elif owner is not None and owner not in FOR_EVERYONE:
            changed.add(owner)
        elif owner is not None or path.parts[0] not in ROOT_FOLDERS_WITHOUT_PACKAGES:
            return [package.name for package in packages]
    return sorted(readers | set(with_dependents(changed, packages)))


def _readers(document: PurePosixPath, owner: str | None) -> frozenset[str]:
    if owner is not None:
        return frozenset({owner})
    return READERS_OF_DOCS if document.parts[0] == "docs" else frozenset()


def with_dependents(changed: set[str], packages: Sequence[Package]) -> list[str]:
    """These packages and all that depend on them, however indirectly."""
    reached = set(changed)
    while more := {p.name for p in packages if p.dependencies & reached} - reached:
        reached |= more
    return sorted(reached)


def changed_paths(root: Path, base: str) -> list[str]:
    """What changed since HEAD and ``base`` parted; a moved file counts at both ends."""
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(
            f"{' '.join(command)} failed in {root}: {result.stderr.strip()}\n"
            f"Fetch the base first (a shallow clone lacks it), or ask for every package with --all."
        )
    return [path for path in result.stdout.split("\0") if path]


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Print the list for one base."""
    match arguments:
        case ["--all"]:
            base = NO_COMMIT
        case [base] if not base.startswith("-"):
            pass
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    packages = read_packages(root)
    if base == NO_COMMIT:
        names = [package.name for package in packages]
    else:
        names = affected(changed_paths(root, base), packages)
    print(json.dumps(names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
