"""The values that columns hold, as the database itself says: from the application, or from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from medha.checks import check_text
from medha.errors import FileError, InvalidInputError
from medha.files import allowed_path, open_to_read, parse_json
from medha.learned.alignment import lows_of
from medha.learned.lesson import Known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medha.settings import Settings

LONGEST: Final = 256
"""Characters of a value; nobody says a longer one in a question."""


def known_values(column: object, values: Iterable[object]) -> list[Known]:
    """The values of one column, checked.

    Raises:
        InvalidInputError: the column is not named as ``table.column``, or a value is no text.
    """
    name = check_text(column, "the column", InvalidInputError).lower()
    table, _, own = name.rpartition(".")
    if not table or not own:
        raise InvalidInputError(f"the column {column!r} must be named as 'table.column', as queries name it")
    given: object = values
    if isinstance(given, str | bytes | Mapping):
        kind = type(cast("object", given)).__name__
        raise InvalidInputError(f"the values of {name!r} must be a list of texts, not one {kind}")
    found: dict[Known, None] = {}
    for number, value in enumerate(values):
        text = check_text(value, f"value {number} of {name!r}", InvalidInputError)
        if len(text) <= LONGEST and (lows := lows_of(text)):
            found[Known(name, lows, text)] = None
    return list(found)


def read_values(path: str | Path, settings: Settings) -> list[Known]:
    """The values in a JSON file that maps ``table.column`` to a list of texts.

    Raises:
        FileError: absent, not allowed, too large, or of another form.
    """
    source = allowed_path(path, settings)
    with open_to_read(source, settings) as file:
        try:
            columns: Any = parse_json(file.read().decode("utf-8-sig"))
        except ValueError as exc:
            raise FileError(f"{source} is not JSON: {exc}") from exc
    if not isinstance(columns, dict):
        raise FileError(f"{source} must hold an object of column names and lists, not {type(columns).__name__}")
    try:
        named = cast("dict[str, Any]", columns).items()
        return [known for column, values in named for known in known_values(column, _listed(column, values))]
    except InvalidInputError as exc:
        raise FileError(f"{source} cannot be used: {exc}") from exc


def _listed(column: str, values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise InvalidInputError(f"the values of {column!r} must be a list, not {type(values).__name__}")
    return cast("list[Any]", values)
