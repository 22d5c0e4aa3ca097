from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ('tracks named "Help"', 'tracks named "help"'),
        ('tracks named "a b"', 'tracks named "a  b"'),
        ("tracks named 'Help'", "tracks named 'Help!'"),
        ('tracks named "Help"', "tracks named Help"),
        ('from "Rome" to "Oslo"', 'from "Oslo" to "Rome"'),
        ("find 'Mr O'Brien'", "find 'Mr O'Bryan'"),
        ("find `a`", "find `b`"),
        ("find «a»", "find «b»"),
        ("find “a”", "find “b”"),
    ],
)
def test_quoted_strings_are_equal_to_the_letter(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "quoted")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ('tracks named "Help"', "tracks named 'Help'"),
        ('tracks named "Help"', "tracks named “Help”"),
        ("the driver's 'van'", 'a driver\'s "van"'),
        ("orders of O'Brien", "orders of O'Hara"),
        ('the "Help" track', 'a "Help" song'),
    ],
)
def test_the_style_of_the_quotes_does_not_count(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "quoted") == []
