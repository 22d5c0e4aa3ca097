"""Prove that installed wheels work far from the checkout they were built from.

    python -I tools/smoke.py CHECKOUT [PACKAGE ...]      all packages of the workspace unless some are named

Run it with the interpreter of the environment that the wheels were installed into, from a folder outside the checkout.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path


def check_distribution(name: str, module_name: str) -> None:
    """The wheel holds its license, its readme, its type marker and a package that imports from there."""
    distribution = importlib.metadata.distribution(name)
    files = [file.as_posix() for file in distribution.files or []]
    require(f"{module_name}/py.typed" in files, f"{name}: the wheel has no {module_name}/py.typed")
    require(any(file.endswith("licenses/LICENSE") for file in files), f"{name}: the wheel has no LICENSE")
    require(not any("tests/" in file for file in files), f"{name}: the wheel holds tests")
    require(bool(distribution.metadata.json.get("description")), f"{name}: the wheel has no readme")
    require_installed(module_name)
    print(f"{name} {distribution.version}: {len(files)} files")


def check_entry_points(distributions: set[str]) -> None:
    """Every plugin loads by its entry point, and every command starts."""
    for group in ("medha", "console_scripts", "pytest11"):
        for entry_point in importlib.metadata.entry_points(group=group):
            if entry_point.dist is None or entry_point.dist.name not in distributions:
                continue
            entry_point.load()
            require_installed(entry_point.module)
            print(f"entry point {group}: {entry_point.name} = {entry_point.value}")


def check_list_of_plugins(command: str) -> None:
    """``medha plugins`` lists every plugin that is installed, each without a fault."""
    printed = subprocess.run(
        [command, "plugins", "--json"], check=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ).stdout
    listed = {row["name"]: row for row in json.loads(printed)["plugins"]}
    for entry_point in importlib.metadata.entry_points(group="medha"):
        require(entry_point.name in listed, f"medha plugins does not list {entry_point.name}")
    faults = {name: row["error"] for name, row in listed.items() if row["error"]}
    require(not faults, f"medha plugins found faults: {faults}")
    print(f"$ medha plugins: {', '.join(sorted(listed))}")


def check_command_line(command: str) -> None:
    """The command a newcomer types first does its job."""
    for argument in ("--version", "demo"):
        print(f"$ medha {argument}", flush=True)
        subprocess.run([command, argument], check=True, timeout=120, stdin=subprocess.DEVNULL)


def require_installed(module_name: str) -> None:
    """Import a module and refuse one that comes from anywhere but this environment."""
    file = importlib.import_module(module_name).__file__
    require(
        file is not None and Path(file).is_relative_to(sys.prefix),
        f"{module_name} was imported from {file}, not from {sys.prefix}",
    )


def require(condition: bool, otherwise: str) -> None:
    """Stop with a message unless the condition holds."""
    if not condition:
        raise SystemExit(otherwise)


def main(checkout: Path, *asked_for: str) -> None:
    """Check the packages that were asked for, or every one."""
    require(not Path.cwd().is_relative_to(checkout), f"run this outside of {checkout}, not in {Path.cwd()}")
    names: set[str] = set()
    for file in sorted([*checkout.glob("packages/*/pyproject.toml"), checkout / "conformance/pyproject.toml"]):
        pyproject = tomllib.loads(file.read_text(encoding="utf-8"))
        name: str = pyproject["project"]["name"]
        if not asked_for or name in asked_for:
            names.add(name)
            check_distribution(name, pyproject["tool"]["uv"]["build-backend"]["module-name"])
    require(names >= set(asked_for) and bool(names), f"no such package in {checkout}: {set(asked_for) - names}")
    check_entry_points(names)
    command = shutil.which("medha", path=sysconfig.get_path("scripts"))
    require(command is not None or "medha-cli" not in names, f"medha-cli is in {sys.prefix}, but no command 'medha'")
    if command is not None:
        check_list_of_plugins(command)
        if "medha-cli" in names:
            check_command_line(command)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
