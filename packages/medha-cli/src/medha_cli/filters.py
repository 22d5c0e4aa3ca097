"""``--filter key=value``: scopes as they are typed in a shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][+-]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False}


def parse_filters(given: Iterable[str]) -> dict[str, str | int | float | bool]:
    """The scope that repeated ``key=value`` options name.

    ``true`` and ``false`` are booleans, ``7`` and ``-7`` integers, ``1.5`` a decimal number, all else texts, ``007``
    too. ``key:str=7`` makes any value a text.

    Raises:
        typer.BadParameter: no ``=``, no key, an unknown type, or a key given twice.
    """
    filters: dict[str, str | int | float | bool] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        name, colon, kind = key.partition(":")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not of the form key=value", param_hint="--filter")
        if colon and kind != "str":
            raise typer.BadParameter(f"{pair!r}: the only type to name is 'str', as in {name}:str={value}")
        if name in filters:
            raise typer.BadParameter(f"the key {name!r} is given twice", param_hint="--filter")
        filters[name] = value if colon else _typed(value)
    return filters


def _typed(value: str) -> str | int | float | bool:
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    if _DECIMAL.fullmatch(value):
        return float(value)
    return value
