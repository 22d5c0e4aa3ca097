from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("active users", "users not active"),
        ("users with a dog", "users without a dog"),
        ("users who don't pay", "users who pay"),
        ("which users aren't active", "which users are active"),
        ("the most sales", "the least sales"),
        ("orders before May", "orders after May"),
        ("show parcels over 5 kg", "show parcels under 5 kg"),
        ("at least 5 beds", "at most 5 beds"),
        ("at least 5 beds", "more than 5 beds"),
        ("sort by age asc", "sort by age desc"),
        ("the max price", "the min price"),
        ("any genre", "all genres"),
        ("Rome and Oslo", "Rome or Oslo"),
        ("the active users", "the inactive users"),
        ("the paid bills", "the unpaid bills"),
        ("the regular visits", "the irregular visits"),
        ("users not active and new", "users active and not new"),
        ("all but Rome", "all and Rome"),
        ("every store except Rome", "every store in Rome"),
        ("show rising sales", "show falling sales"),
        ("the first flight", "the last flight"),
        ("only guitars", "guitars"),
    ],
)
def test_turned_round_questions_are_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "polarity")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("which users don't pay", "which users do not pay"),
        ("sort by age asc", "sort by age ascending"),
        ("the max price", "the maximum price"),
        ("users that aren't active", "users who are not active"),
        ("the most sales in Rome", "show the most sales in Rome"),
        ("red cars", "blue cars"),
    ],
)
def test_the_same_direction_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "polarity") == []


def test_the_reason_names_the_opposites(objections: Callable[..., list[str]]) -> None:
    assert objections("the highest salary", "the lowest salary", "polarity") == [
        "opposite directions: 'highest' / 'lowest'"
    ]


def test_the_reason_names_the_scope(objections: Callable[..., list[str]]) -> None:
    reasons = objections("show cars not red and blue", "show cars not blue and red", "polarity")
    assert reasons == ["'not' bears on 'red' / 'blue'"]
