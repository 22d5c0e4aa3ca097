"""Questions that are almost those of an entry, and ask for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha.learned.alignment import lows_of
from medha.learned.knowledge import Knowledge, Learned
from medha.learned.lesson import Known, lesson_of
from medha.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[str, str]


def learnt(rows: Sequence[Row], given: Sequence[tuple[str, str]] = (), dialect: str | None = None) -> Knowledge:
    knowledge = Knowledge()
    for number, (question, query) in enumerate(rows):
        lesson = lesson_of(str(number), normalize(question), query, dialect)
        if lesson is not None:
            knowledge.add(lesson)
    for column, value in given:
        knowledge.give(Known(column, lows_of(value), value))
    return knowledge


def asked(knowledge: Knowledge, question: str) -> str | None:
    found = knowledge.answer(normalize(question))
    return found.binding.query if isinstance(found, Learned) else None


def pairs(one: str, other: str, table: str) -> list[Row]:
    """Two wordings of one query of a table."""
    query = f"SELECT id FROM {table} WHERE who = '{{}}'"  # noqa: S608
    return [(one.format("Anna"), query.format("Anna")), (other.format("Ben"), query.format("Ben"))]


@pytest.mark.parametrize(
    ("one", "other", "stored", "question"),
    [
        ("which letters of {}", "which letters for {}", "which reviews of {}", "which reviews for Anna"),
        ("letters of {}", "letters for {}", "reviews of {}", "reviews for Anna"),
        (
            "credits that {} can earn",
            "credits that {} must earn",
            "exams that {} can take",
            "exams that Anna must take",
        ),
        ("what did {} say", "what does {} say", "where did {} work", "where does Ben work"),
        ("who founded {}", "when founded {}", "who joined {}", "when joined Anna"),
        ("orders of {} yesterday", "orders of {} today", "visits of {} yesterday", "visits of Ben today"),
        ("holidays of {} in May", "holidays of {} in June", "sales of {} in May", "sales of Anna in June"),
        ("shifts of {} in hours", "shifts of {} in days", "breaks of {} in hours", "breaks of Anna in days"),
        ("lists with items of {}", "lists without items of {}", "bags with items of {}", "bags without items of Ben"),
    ],
)
def test_what_made_no_difference_in_one_query_may_make_one_in_another(
    one: str, other: str, stored: str, question: str
) -> None:
    knowledge = learnt([*pairs(one, other, "a"), *pairs(stored, stored, "b")])
    assert asked(knowledge, stored.format("Ben")) is not None
    assert asked(knowledge, question) is None


def test_a_question_that_shows_no_language_is_answered_in_the_same_words_only() -> None:
    rows = [*pairs("livres avec {}", "livres sans {}", "livre"), *pairs("films avec {}", "films avec {}", "film")]
    knowledge = learnt(rows)
    assert asked(knowledge, "films avec Ben") == "SELECT id FROM film WHERE who = 'Ben'"
    assert asked(knowledge, "films sans Ben") is None


@pytest.mark.parametrize("word", ["me", "us", "or", "ME OR"])
def test_a_function_word_is_no_value_because_one_is_spelled_like_it(word: str) -> None:
    state = "SELECT id FROM orders WHERE state = '{}'"
    given = [("orders.state", value) for value in ("ME", "US", "OR")]
    knowledge = learnt([("orders for TX", state.format("TX")), ("the orders for CA", state.format("CA"))], given)
    assert asked(knowledge, "orders for ME") == state.format("ME")
    assert asked(knowledge, f"orders for {word}") is None


def test_columns_of_two_tables_are_not_one_because_they_share_two_values() -> None:
    rows = [
        (f"is {name} a {table}", f"SELECT 1 FROM {table} WHERE name = '{name}'")  # noqa: S608
        for table, names in (("city", ("New York", "Washington")), ("state", ("New York", "Washington", "Texas")))
        for name in names
    ]
    knowledge = learnt([("population of Austin", "SELECT p FROM city WHERE name = 'Austin'"), *rows])
    assert asked(knowledge, "population of Texas") is None


def test_a_part_of_a_value_that_was_searched_for_is_no_value() -> None:
    like, wrote = "SELECT id FROM song WHERE title LIKE '%{}%'", "SELECT writer FROM song WHERE title = '{}'"
    knowledge = learnt(
        [
            ("who wrote Help", wrote.format("Help")),
            ("songs containing love", like.format("love")),
            ("the singer of songs containing rain", like.format("rain").replace("id", "singer")),
        ]
    )
    assert asked(knowledge, "who wrote love") is None
    assert asked(knowledge, "songs containing rain") == like.format("rain")
    assert asked(knowledge, "songs containing Help") == like.format("Help")


def test_a_text_that_another_column_alone_writes_so_is_of_that_column() -> None:
    rows = [
        ("orders of polish", "SELECT id FROM orders WHERE product = 'polish'"),
        ("customers from Polish", "SELECT id FROM customer WHERE nationality = 'Polish'"),
    ]
    assert asked(learnt(rows), "orders of Polish") is None
    assert asked(learnt(rows[:1]), "orders of Polish") is not None


@pytest.mark.parametrize(
    ("query", "question"),
    [
        ("SELECT id FROM o WHERE t BETWEEN {} AND {}", "orders of {} to {} euros"),
        ("SELECT id FROM o WHERE t NOT BETWEEN {} AND {}", "orders outside {} to {} euros"),
        ("SELECT id FROM o WHERE t >= {} AND t <= {}", "orders from {} to {} euros"),
    ],
)
def test_the_bounds_of_a_range_keep_their_order(query: str, question: str) -> None:
    knowledge = learnt([(question.format(5, 10), query.format(5, 10))])
    assert asked(knowledge, question.format(7, 20)) == query.format(7, 20)
    assert asked(knowledge, question.format(20, 7)) is None


def test_bounds_of_two_ranges_may_stand_in_any_order() -> None:
    query, question = "SELECT id FROM o WHERE t < {} OR t > {}", "orders under {} or over {} euros"
    knowledge = learnt([(question.format(5, 10), query.format(5, 10))])
    assert asked(knowledge, question.format(7, 20)) == query.format(7, 20)


@pytest.mark.parametrize(
    ("stored", "query", "question"),
    [
        (
            "players with at least 3 goals in the last 2 years",
            "SELECT id FROM player WHERE goals > 2 AND year >= 2024",
            "players with at least 3 goals in the last 5 years",
        ),
        (
            "best player in group 1",
            "SELECT id FROM player WHERE grp = 7 ORDER BY score DESC LIMIT 1",
            "best player in group 2",
        ),
    ],
)
def test_a_figure_that_may_be_equal_by_chance_is_not_bound_again(stored: str, query: str, question: str) -> None:
    assert asked(learnt([(stored, query)]), question) is None


@pytest.mark.parametrize("dialect", ["bigquery", "spark", "databricks", "hive"])
def test_a_value_with_a_quote_is_not_written_where_a_doubled_quote_means_another_text(dialect: str) -> None:
    query = "SELECT id FROM orders WHERE customer = '{}'"
    given = [("orders.customer", "O'Brien"), ("orders.customer", "Anna")]
    knowledge = learnt([("orders of Ben", query.format("Ben"))], given, dialect)
    assert asked(knowledge, "orders of Anna") == query.format("Anna")
    assert asked(knowledge, "orders of O'Brien") is None
    assert lesson_of("1", "orders of O'Brien", query.format("O''Brien"), dialect) is None


@pytest.mark.parametrize("dialect", [None, "sqlite", "postgres", "mysql", "snowflake", "tsql", "oracle", "duckdb"])
def test_a_quote_in_a_value_is_doubled_where_the_dialect_reads_it_so(dialect: str | None) -> None:
    query = "SELECT id FROM orders WHERE customer = '{}'"
    knowledge = learnt([("orders of Ben", query.format("Ben"))], [("orders.customer", "O'Brien")], dialect)
    assert asked(knowledge, "orders of O'Brien") == query.format("O''Brien")


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "oracle", "duckdb", "tsql"])
def test_a_name_in_double_quotes_is_no_value_where_the_dialect_says_so(dialect: str) -> None:
    query = 'SELECT id FROM person WHERE "first" = "last"'
    assert lesson_of("1", "people whose first is last", query, dialect) is None
    assert lesson_of("1", "people whose first is last", query, "mysql") is not None


def test_of_two_wordings_one_must_be_said_whole() -> None:
    query = "SELECT id FROM orders WHERE express AND city = '{}'"
    knowledge = learnt(
        [
            ("express orders that were shipped to Rome", query.format("Rome")),
            ("priority orders that were sent to Oslo", query.format("Oslo")),
        ]
    )
    assert asked(knowledge, "orders that were sent when shipped to Rome") is None
    assert asked(knowledge, "orders sent that were shipped to Rome") is None


@pytest.mark.parametrize("code", ["042", "42.0", "0043", "4,300", "44.50"])
def test_a_text_of_digits_is_bound_as_it_is_written(code: str) -> None:
    query = "SELECT id FROM invoice WHERE customer = '{}'"
    rows = [(f"invoices of customer {n}", query.format(n)) for n in ("42", "43", "44.5")]
    assert asked(learnt(rows), f"invoices of customer {code}") is None
    assert asked(learnt(rows), "invoices of customer 99") == query.format("99")


def test_a_code_with_leading_zeros_is_no_number() -> None:
    rows = [(f"invoice {n}", f"SELECT id FROM invoice WHERE id = {n}") for n in (42, 43)]  # noqa: S608
    assert asked(learnt(rows), "invoice 042") is None


def test_an_article_with_a_capital_belongs_to_the_name() -> None:
    query = "SELECT id FROM album WHERE artist = '{}'"
    knowledge = learnt([("which albums are by Queen", query.format("Queen"))], [("album.artist", "Blur")])
    assert asked(knowledge, "which albums are by Blur") == query.format("Blur")
    assert asked(knowledge, "which albums are by The Blur") is None


def test_between_wordings_a_date_is_said_as_in_one_of_them() -> None:
    query = "SELECT id FROM orders WHERE day = '2026-05-01' AND client = '{}'"
    knowledge = learnt(
        [
            ("which orders did Anna place yesterday with the shop", query.format("Anna")),
            ("which orders were placed by Ben with the shop yesterday", query.format("Ben")),
            ("today which orders did Carl place with the shop", query.format("Carl")),  # stored on the day before
        ]
    )
    assert asked(knowledge, "which orders did Ben place with the shop yesterday") in {None, query.format("Ben")}
    for question in ("yesterday today which orders did Anna place with the shop", "which orders did Ben place"):
        assert asked(knowledge, question) is None


def test_a_word_that_was_left_out_of_two_queries_is_not_left_out_of_a_third() -> None:
    rows = [
        *pairs("which active customers are in {}", "which customers are in {}", "a"),
        *pairs("how many active customers are in {}", "how many customers are in {}", "b"),
        *pairs("which active shops are in {}", "which active shops are in {}", "c"),
    ]
    assert asked(learnt(rows), "which active shops are in Ben") == "SELECT id FROM c WHERE who = 'Ben'"
    assert asked(learnt(rows), "which shops are in Ben") is None


REFERRED = "SELECT id FROM p JOIN d ON p.d = d.id JOIN e ON p.e = e.id WHERE d.name = '{}' AND e.name = '{}'"
MEDALS = "SELECT sum(gold) FROM medals WHERE bronze > {} AND silver < {}"


@pytest.mark.parametrize(
    ("query", "wordings", "wrong", "values"),
    [
        (
            REFERRED,
            ["patients referred by Dr. {} to Dr. {}", "patients that Dr. {} referred to Dr. {}"],
            "patients referred to Dr. {} by Dr. {}",
            [("Best", "Lee"), ("Lee", "Smith"), ("Smith", "Best")],
        ),
        (
            MEDALS,
            [
                "the sum of gold when silver is less than {1} and bronze is more than {0}",
                "the sum of gold when bronze is more than {0} and silver is less than {1}",
                "the total gold with more than {0} bronze and less than {1} silver",
            ],
            "the sum of gold when silver is more than {} and bronze is less than {}",
            [("3", "9"), ("4", "8"), ("5", "7")],
        ),
    ],
)
def test_of_values_that_could_change_places_one_wording_says_which_is_whose(
    query: str, wordings: list[str], wrong: str, values: list[Row]
) -> None:
    said = zip(wordings * 2, [*values, *values], strict=False)
    rows = [(wording.format(*row), query.format(*row)) for wording, row in said]
    knowledge = learnt(rows)
    assert asked(knowledge, wrong.format(*values[2])) is None
    assert asked(knowledge, wordings[0].format(*values[2])) == query.format(*values[2])


def test_a_word_that_tells_what_a_value_is_is_left_out_only_of_a_value_that_is_nothing_else() -> None:
    river, state = (
        "SELECT traverse FROM river WHERE river_name = '{}'",
        "SELECT area FROM state WHERE state_name = '{}'",
    )
    rows = [
        ("what states border the ohio river", river.format("ohio")),
        ("what states does the ohio river run through", river.format("ohio")),
        ("what states does the colorado run through", river.format("colorado")),
        ("how large is ohio", state.format("ohio")),
        ("is the missouri a river", "SELECT 1 FROM river WHERE river_name = 'missouri'"),
    ]
    knowledge = learnt(rows)
    assert asked(knowledge, "what states border the missouri") == river.format("missouri")
    assert asked(knowledge, "what states border ohio") is None
    assert asked(knowledge, "what states does the ohio run through") == river.format("ohio")


def test_columns_of_one_table_are_not_one_because_a_few_of_many_values_are_in_both() -> None:
    city, state = "SELECT id FROM shop WHERE city = '{}'", "SELECT count(id) FROM shop WHERE state = '{}'"
    cities = ["New York", "Washington", "Austin", "Dallas", "Reno"]
    rows = [
        *((f"shops in {name}", city.format(name)) for name in cities),
        *((f"how many in the state of {name}", state.format(name)) for name in ("New York", "Washington", "Texas")),
    ]
    knowledge = learnt(rows)
    assert asked(knowledge, "shops in Texas") is None
    assert asked(knowledge, "how many in the state of Reno") is None


def test_where_no_language_shows_a_mark_before_three_digits_may_part_thousands() -> None:
    query = "SELECT id FROM zimmer WHERE preis < {}"
    knowledge = learnt([("zimmer unter 2.5 euro", query.format(2.5))])
    assert asked(knowledge, "zimmer unter 3.75 euro") == query.format(3.75)
    assert asked(knowledge, "zimmer unter 1.000 euro") is None


CLASSES = "SELECT id FROM class WHERE teacher = '{}'"
OPEN = "SELECT id FROM class WHERE open AND teacher = '{}'"
OF_CLASSES = [
    "which classes does {} teach",
    "show the classes that {} gives",
    "classes taught by {}",
    "what classes has {} given",
    "the classes that {} offers",
]


def rows_of(wordings: Sequence[str], query: str) -> list[Row]:
    names = ["Anna", "Ben", "Cleo", "Dora", "Emil", "Fay"]
    return [(said.format(name), query.format(name)) for said, name in zip(wordings, names, strict=False)]


def test_of_two_queries_as_near_the_one_is_meant_whose_words_the_question_has() -> None:
    of_open = rows_of(
        ["which open classes does {} offer", "what open classes has {} given", "{} gives open classes"], OPEN
    )
    question = "what classes does Anna offer"
    knowledge = learnt([*rows_of(OF_CLASSES, CLASSES), *of_open])
    assert asked(knowledge, question) == CLASSES.format("Anna")
    assert asked(learnt([*rows_of(OF_CLASSES[:4], CLASSES), *of_open]), question) is None, "four wordings do not tell"


def test_what_a_query_of_two_wordings_may_be_asked_for_with_is_not_known() -> None:
    question = "what classes does Anna offer"
    of_open = rows_of(
        ["what open classes does {} offer", "open classes that {} teaches", "{} gives open classes"], OPEN
    )
    assert asked(learnt([*rows_of(OF_CLASSES, CLASSES), *of_open[:2]]), question) is None
    assert asked(learnt([*rows_of(OF_CLASSES, CLASSES), *of_open]), question) == CLASSES.format("Anna")
