"""What holds for every command: options, exit codes, errors."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import pytest
import typer

from medha_cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

COMMANDS = sorted(cast("Any", typer.main.get_command(app)).commands)
ANYTHING = {
    "search": ["q"],
    "explain": ["q"],
    "store": ["q", "SELECT 1"],
    "warm": ["absent.jsonl"],
    "export": ["out.jsonl"],
    "invalidate": ["q"],
    "feedback": ["q", "--correct"],
}

each_command = pytest.mark.parametrize("command", COMMANDS)
each_cache_command = pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in {"demo", "migrate", "plugins", "values"}]
)


def test_the_commands_are_those_of_the_readme() -> None:
    from pathlib import Path

    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"| `{name}" not in readme] == []
    assert len(COMMANDS) == 17


@each_command
def test_every_command_explains_itself_and_has_json_and_debug(command: str, medha: Callable[..., Result]) -> None:
    result = medha(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert "--debug" in result.stdout


@each_cache_command
def test_every_command_on_a_cache_takes_the_shared_options(command: str, medha: Callable[..., Result]) -> None:
    shown = medha(command, "--help").stdout
    assert [o for o in ("--collection", "--backend", "--embedder", "--db") if o not in shown] == []


@each_cache_command
def test_an_error_is_one_json_document_and_exit_code_2(command: str, medha: Callable[..., Result]) -> None:
    result = medha(command, *ANYTHING.get(command, []), "--backend", "sqlit", "--json")
    # doctor reports what is wrong in its own document
    document = json.loads(result.stdout)
    assert result.exit_code == 2
    assert "Did you mean 'sqlite'?" in json.dumps(document)
    assert command == "doctor" or document["error"]["type"] == "PluginNotFoundError"
    assert "Traceback" not in result.stderr


def test_an_error_for_people_is_one_line_on_standard_error(medha: Callable[..., Result]) -> None:
    result = medha("search", "q", "--backend", "sqlit")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no backend named 'sqlit'")
    assert result.stderr.count("\n") == 1


def test_debug_shows_where_an_error_came_from(medha: Callable[..., Result]) -> None:
    assert "Traceback" in medha("search", "q", "--backend", "sqlit", "--debug").stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["search"], "Missing argument"),
        (["serach", "q"], "serach"),
        (["search", "q", "--nope"], "--nope"),
        (["search", "q", "--filter", "tenant"], "key=value"),
        (["search", "q", "--filter", "a=1", "--filter", "a=2"], "given twice"),
        (["bench", "--entries", "three"], "--entries"),
        (["invalidate"], "exactly one"),
        (["invalidate", "q", "--all"], "exactly one"),
        (["invalidate", "--template", "t", "--filter", "a=1"], "every scope"),
    ],
)
def test_a_usage_error_exits_with_2_as_text_and_as_json(
    arguments: list[str], told: str, medha: Callable[..., Result]
) -> None:
    as_text, as_json = medha(*arguments), medha(*arguments, "--json")
    assert (as_text.exit_code, as_json.exit_code) == (2, 2)
    assert as_text.stdout == ""
    assert told in as_text.stderr
    error = json.loads(as_json.stdout)["error"]
    assert error["type"] == "UsageError"
    assert told in error["message"]


def test_no_command_at_all_shows_the_help_and_exits_with_2(medha: Callable[..., Result]) -> None:
    result = medha()
    assert result.exit_code == 2
    assert "demo" in result.stdout


def test_the_version_names_the_program_and_the_core(medha: Callable[..., Result]) -> None:
    result = medha("--version")
    assert result.stdout == f"medha-cli {version('medha-cli')}, medha-core {version('medha-core')}\n"
    assert result.exit_code == 0


def test_a_misspelt_variable_is_an_error_that_names_it(
    document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_COLECTION", "x")
    message = document("search", "q")["error"]["message"]
    assert "MEDHA_COLECTION" in message
    assert "MEDHA_COLLECTION" in message


def test_a_file_for_a_backend_that_has_none_is_refused(document: Callable[..., Any], tmp_path: Path) -> None:
    message = document("search", "q", "--backend", "memory", "--db", str(tmp_path / "x.db"))["error"]["message"]
    assert "--db" in message


def test_a_data_folder_that_cannot_be_made_is_an_error_that_names_the_way_out(
    document: Callable[..., Any], user_folder: Path
) -> None:
    user_folder.write_text("a file where the folder should be")
    error = document("search", "q")["error"]
    assert error["type"] == "FileError"
    assert "--db" in error["message"]


def test_variables_choose_the_cache_and_options_win_over_them(
    document: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_COLLECTION", "by-variable")
    monkeypatch.setenv("MEDHA_SQLITE_PATH", str(tmp_path / "by-variable.db"))
    found = document("stats")
    assert (found["collection"], found["file"]) == ("by-variable", str(tmp_path / "by-variable.db"))
    found = document("stats", "--collection", "by-option", "--db", str(tmp_path / "by-option.db"))
    assert (found["collection"], found["file"]) == ("by-option", str(tmp_path / "by-option.db"))


def test_the_backend_is_that_of_the_variable(document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert document("stats")["backend"] == "sqlite"
    monkeypatch.setenv("MEDHA_BACKEND_TYPE", "memory")
    assert document("stats")["backend"] == "memory"
