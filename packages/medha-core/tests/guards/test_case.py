from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("Show orders from US", "Show orders from us"),
        ("orders from US", "orders from us"),
        ("who reported the cases", "WHO reported the cases"),
        ("which users left IT", "which users left it"),
        ("sales of Apple in Rome", "sales of apple in Rome"),
        ("order AB12 in Rome", "order ab12 in Rome"),
        ("the NASA staff in Oslo", "the nasa staff in Oslo"),
        ("aids in stock", "AIDS in stock"),
        ("the files in Mb", "the files in MB"),
        ("SHOW ORDERS FROM US", "show orders from us"),
        ("towers over 5 M", "the towers over 5 m"),
        ("stays in Bath", "show stays in baths"),
    ],
)
def test_capitals_that_make_a_name_are_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "case")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("clinics in Germany", "clinics in germany"),
        ("Queen albums in Rome", "queen albums in Rome"),
        ("LIST THE CLINICS IN ROME", "list the clinics in Rome"),
        ("the sql errors", "the SQL errors"),
        ("clinics in GERMANY and Norway", "clinics in Germany and Norway"),
        ("the q3 sales", "the Q3 sales"),
        ("red cars", "Blue cars"),
    ],
)
def test_capitals_out_of_habit_are_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "case") == []
