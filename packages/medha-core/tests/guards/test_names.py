from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("the albums by Queen", "the albums by Kiss"),
        ("the flights that land in Rome", "the flights that land in Oslo"),
        ("the salary of Ann Smith", "the salary of Ann Jones"),
        ("which albums are by The Who", "which albums are by the band"),
        ("the staff of Ann in Rome", "the staff in Rome"),
    ],
)
def test_another_name_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "names")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("the albums by Queen", "show the albums by Queen"),
        ("the albums by Queen", "the albums by queen"),
        ("THE ALBUMS BY QUEEN", "the albums by kiss"),
        ("the albums by queen", "the albums by kiss"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "names") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        (
            "the albums by Queen",
            "the albums by Kiss",
            "names: 'Queen' only in the asked question; 'Kiss' only in the stored question",
        ),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "names") == [f"different {reason}" if "only in" in reason else reason]
