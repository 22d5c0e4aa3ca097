from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha.guards.words import WordsGuard
from medha.models import CacheEntry, Candidate, Question

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("albums by Queen", "live albums by Queen"),
        ("albums by Queen", "albums by Kiss"),
        ("albums by Queen", "albums of Queen"),
        ("total salary", "average salary"),
        ("how many customers", "how many distinct customers"),
        ("list the albums", "how many albums"),
        ("list price of the albums", "price of the albums"),
        ("return flights to Oslo", "flights to Oslo"),
        ("show times of Alien", "times of Alien"),
        ("who is the manager", "who was the manager"),
        ("users who manage teams", "users who managed teams"),
        ("orders from yesterday", "orders from today"),
        ("sales in the last month", "sales in last month"),
        ("vitamin a deficiency in Rome", "vitamin deficiency in Rome"),
        ("which students got grade A", "which students got grade"),
        ("customers who bought all albums", "customers who bought albums"),
        ("show an album by Queen", "show the albums by Queen"),
        ("the latest order", "the latest orders"),
        ("are there albums by Queen", "what are the albums by Queen"),
        ("which news are there", "which new are there"),
        ("the albums by The Who", "the albums by Who"),
        ("developers who know C++", "developers who know C"),
        ("show us orders", "show orders"),
        ("the names, ids", "the names ids"),
        ("patients named William", "patients named Williams"),
        ("the number of the room", "how many rooms"),
        ("hitparade 🎸", "hitparade 🎻"),
        ("voli a Roma", "voli Roma"),
        ("lista pedidos", "lista pedido"),
        ("orders where status != open", "orders where status = open"),
        ("orders where amount ! = 5", "orders where amount = 5"),
        ("users where !active", "users where active"),
        ("customers with a few orders", "customers with few orders"),
        ("staff with a little training", "staff with little training"),
        ("nurses in charge of Ann", "nurses in the charge of Ann"),
        ("show doctors on call", "show doctors on a call"),
        ("blood that is a positive", "blood that is positive"),
        ("songs in a minor", "songs in minor"),
        ("which pupils with a-levels smoke", "which pupils with levels smoke"),
        ("show all-inclusive trips", "show inclusive trips"),
        ("show all day events", "show day events"),
        ("show the orders of marie", "show the orders of mary"),
        ("show the orders of dr mill", "show the orders of dr. mills"),
        ("show the orders of Ann Grey", "show the orders of Ann Gray"),
        ("show sales at Theatre Royal", "show sales at Theater Royal"),
        ("which names contain ;", "which names contain ,"),
        ("which codes have . or ,", "which codes have , or ."),
        ("can I get a refund for order 5", "a refund for order 5"),
    ],
)
def test_a_word_that_one_lacks_is_rejected(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "words")


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("list all albums by Queen", "what are the albums by Queen"),
        ("show me the albums by Queen", "albums by Queen"),
        ("which albums did Queen release", "what albums did Queen release"),
        ("the album by Queen", "the albums by Queen"),
        ("what's the price of the rooms", "what is the price of rooms"),
        ("how many rooms are there", "what is the number of rooms"),
        ("which movies are by Kubrick", "which movie is by Kubrick"),
        ("the cities with clinics", "the city with a clinic"),
        ("which cookies and pies", "which cookie and pie"),
        ("total fare by route", "show the total fares by route"),
        ("can I see the open claims", "show the open claims"),
        ("customers who bought a piano", "customers that bought a piano"),
        ("parcels that are in the depot", "parcels in the depot"),
        ("people in the wards", "person in the ward"),
        ("part-time nurses of the ward", "part time nurses of the ward"),
        ("show the rooms, please", "show the rooms"),
        ("5 albums by Queen", "7 albums by Queen"),
    ],
)
def test_words_that_only_frame_are_free(objections: Callable[..., list[str]], asked: str, stored: str) -> None:
    assert objections(asked, stored, "words") == []


def test_the_reason_names_the_words(objections: Callable[..., list[str]]) -> None:
    assert objections("albums by Queen", "live albums by Kiss", "words") == [
        "different words: 'queen' only in the asked question; 'kiss', 'live' only in the stored question"
    ]


@pytest.mark.parametrize(
    ("asked", "stored", "query", "reviewable"),
    [
        ("the revenue of each shop", "the earnings of each shop", "SELECT 1", True),
        ("what is the population of the town", "what people live in the town", "SELECT 1", True),
        ("live albums of the band", "albums of the band", "SELECT 1", False),
        ("blood that is a positive", "blood that is positive", "SELECT 1", False),
        ("who is the manager", "who was the manager", "SELECT 1", False),
        ("albums of the band Queen", "albums of the band Kiss", "SELECT 1", False),
        ("albums of queen in the shop", "albums of kiss in the shop", "SELECT 1", True),
        ("albums of queen in the shop", "albums of kiss in the shop", "SELECT 1 WHERE band = 'Kiss'", False),
        ("staff who know c++ well", "staff who know java well", "SELECT 1", False),
        ("ventas en roma", "ingresos en roma", "SELECT 1", False),
    ],
)
def test_only_other_words_on_both_sides_are_open_to_review(
    asked: str, stored: str, query: str, reviewable: bool
) -> None:
    entry = CacheEntry(
        id="x",
        question=stored,
        normalized_question=stored,
        generated_query=query,
        query_hash="",
        created_at=0.0,
    )
    verdict = WordsGuard().verify(Question(asked, asked), Candidate(entry, Question(stored, stored), 0.9))
    assert (verdict.accepted, verdict.reviewable) == (False, reviewable)
