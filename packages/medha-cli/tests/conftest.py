"""What the tests share: a user's empty folder, the program in this process, and in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from medha_cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

PROGRAM = Path(sysconfig.get_path("scripts")) / "medha"


@pytest.fixture(autouse=True)
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who never used Medha."""
    # where the servers of the tests are is no setting of a user
    for name in [name for name in os.environ if name.startswith("MEDHA_") and not name.startswith("MEDHA_TEST_")]:
        monkeypatch.delenv(name)
    # set first, so that what a command sets is undone after the test
    monkeypatch.setenv("MEDHA_SQLITE_PATH", "")
    monkeypatch.delenv("MEDHA_SQLITE_PATH")
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture
def medha() -> Callable[..., Result]:
    """Runs ``medha`` in this process."""

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return run


@pytest.fixture
def document(medha: Callable[..., Result]) -> Callable[..., Any]:
    """Runs ``medha ... --json`` in this process and gives the one document on standard output."""

    def run(*arguments: str, stdin: str = "") -> Any:
        return json.loads(medha(*arguments, "--json", stdin=stdin).stdout)

    return run


@pytest.fixture
def shell() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the installed ``medha`` in a process of its own."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )

    return run
