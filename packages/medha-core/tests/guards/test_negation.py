from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("show active users", "show users not active"),
        ("the users with a dog", "the users without a dog"),
        ("users who don't pay", "users who pay"),
        ("which users aren't active", "which users are active"),
        ("the active users", "the inactive users"),
        ("the paid bills", "the unpaid bills"),
        ("the regular visits", "the irregular visits"),
        ("show users not active and new", "show users active and not new"),
        ("show all but Rome", "show all and Rome"),
        ("every store except Rome", "every store in Rome"),
        ("show non smoking rooms", "show smoking rooms"),
        ("orders that were never paid", "orders that were paid"),
        ("which stores sell neither tea nor coffee", "which stores sell tea or coffee"),
        ("show staff excluding nurses", "show staff including nurses"),
    ],
)
def test_a_negation_or_another_scope_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "negation")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("which users don't pay", "which users do not pay"),
        ("users that aren't active", "users who are not active"),
        ("users who cannot pay", "users who can't pay"),
        ("show red cars", "show blue cars"),
        ("the most sales", "the least sales"),
    ],
)
def test_what_leaves_it_the_same_is_accepted(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "negation") == []


@pytest.mark.parametrize(
    ("asked", "stored", "reason"),
    [
        ("show cars not red and blue", "show cars not blue and red", "'not' bears on 'red' / 'blue'"),
        ("the active users", "the inactive users", "one denies the other: 'active' / 'inactive'"),
        ("users who pay", "users who never pay", "negation: 'never' only in the stored question"),
    ],
)
def test_the_reason_says_what_differs(
    objections: Callable[..., list[str]], asked: str, stored: str, reason: str
) -> None:
    assert objections(asked, stored, "negation") == [f"different {reason}" if "only in" in reason else reason]
