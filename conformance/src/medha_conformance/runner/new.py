"""A new backend's package, whose suite runs at once and fails only for what is not written."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = {
    "pyproject.toml": "pyproject.toml.template",
    "README.md": "README.md.template",
    "CHANGELOG.md": "CHANGELOG.md.template",
    "LICENSE": "LICENSE.template",
    ".github/workflows/ci.yml": "ci.yml.template",
    "src/{module}/__init__.py": "init.py.template",
    "src/{module}/settings.py": "settings.py.template",
    "src/{module}/schema.py": "schema.py.template",
    "src/{module}/errors.py": "errors.py.template",
    "src/{module}/backend.py": "backend.py.template",
    "src/{module}/plugin.py": "plugin.py.template",
    "src/{module}/py.typed": "py.typed.template",
    "tests/test_conformance.py": "test_conformance.py.template",
}


class UnusableNameError(Exception):
    """No package can be written under this name, or in this folder."""


def write_backend(name: str, folder: Path) -> None:
    """Write the package of the backend into a folder that is new or empty.

    Raises:
        UnusableNameError: the name cannot be that of a plugin, or the folder holds something.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UnusableNameError(
            f"{name!r} cannot be the name of a plugin; write it in small letters, digits and single hyphens: my-engine"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UnusableNameError(f"{folder} is there already, and not empty; choose another with --folder")
    words = name.split("-")
    values = {
        "name": name,
        "module": f"medha_{'_'.join(words)}",
        "Class": "".join(word.capitalize() for word in words),
        "PREFIX": "_".join(words).upper(),
    }
    for path, template in _FILES.items():
        target = folder / path.format(**values)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (files("medha_conformance.runner") / "new_backend" / template).read_text(encoding="utf-8")
        target.write_text(Template(text).substitute(values), encoding="utf-8")
