"""Values that want to be code: whatever is answered is the stored tree but for its literals."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from medha.errors import InvalidInputError
from medha.learned.catalog import known_values
from medha.learned.knowledge import Knowledge, Learned
from medha.learned.lesson import lesson_of
from medha.normalize import normalize

QUERIES = (
    ("invoices of {}", "SELECT id FROM invoice WHERE client = '{}'"),
    ("who paid {} twice", 'SELECT id FROM invoice WHERE client = "{}" AND times = 2'),
    ("how many tickets contain {}", "SELECT COUNT(*) FROM invoice WHERE client LIKE '%{}%'"),
    ("the clients {} or Anna", "SELECT id FROM invoice WHERE client IN ('{}', 'Anna') /* note */"),
)
FRAGMENTS = (
    *("O'Brien", "x'; DROP TABLE invoice; --", "1 OR TRUE", "' OR '1'='1", "UNION SELECT", "/*", "*/", "--", "#", ";"),
    *("\\", "\\'", "''", '"', '""', "`", "[", "]", "%", "_", "7", "ʼ", "’", "＇", "\u200b", "\u2028", "$$", ":a", "?"),
    *("\ue000", "\ue0000", '"\ue000s"', "982451000", "NULL", "é", "e\u0301", "東京", "\t", "Anna", "ꞌ", "0x27", "N'x'"),
)
DIALECTS = (None, "sqlite", "postgres", "mysql", "bigquery", "spark", "snowflake", "tsql", "clickhouse", "duckdb")
VALUES = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), min_size=1, max_size=4)


def masked(node: Any) -> Any:
    return exp.Var(this="?") if isinstance(node, exp.Literal) else node


def tree_and_literals(query: str, dialect: str | None) -> tuple[str, list[str]]:
    """The tree without its literals, and these."""
    if dialect in {None, "sqlite"}:
        dialect = "mysql" if '"' in query else dialect  # where a text may stand in double quotes
    trees = sqlglot.parse(query, dialect=dialect)
    assert len(trees) == 1
    assert trees[0] is not None
    literals = [str(node.this) for node in trees[0].find_all(exp.Literal)]
    return repr(trees[0].transform(masked)), literals


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(VALUES, st.sampled_from(("", " "))), min_size=1, max_size=6),
    st.sampled_from(DIALECTS),
    st.sampled_from((("", ""), ("'", "'"), ('"', '"'), ("“", "”"), ("`", "`"))),
)
def test_a_served_query_is_the_stored_tree_but_for_its_literals(
    drawn: list[tuple[list[str], str]], dialect: str | None, quotes: tuple[str, str]
) -> None:
    knowledge = Knowledge()
    stored = [(question.format("Bruno"), query.format("Bruno")) for question, query in QUERIES]
    for number, (question, query) in enumerate(stored):
        lesson = lesson_of(str(number), normalize(question), query, dialect)
        if lesson is not None:
            knowledge.add(lesson)
    values = [glue.join(fragments) for fragments, glue in drawn]
    for value in values:
        try:
            for known in known_values("invoice.client", [value]):
                knowledge.give(known)
        except InvalidInputError:
            continue
    for question, query in QUERIES:
        tree = tree_and_literals(query.format("Bruno"), dialect)[0]
        for value in values:
            found = knowledge.answer(normalize(question.format(f"{quotes[0]}{value}{quotes[1]}")))
            if isinstance(found, Learned):
                served, literals = tree_and_literals(found.binding.query, dialect)
                assert served == tree, found.binding.query
                assert all(any(bound in each for each in literals) for bound in found.binding.values)


@pytest.mark.parametrize("value", ["O'Brien", "x; --", "a ' b", "100 percent"])
def test_a_value_with_signs_of_the_language_can_be_served(value: str) -> None:
    question, query = QUERIES[0]
    lesson = lesson_of("1", question.format("Bruno"), query.format("Bruno"), None)
    assert lesson is not None
    knowledge = Knowledge()
    knowledge.add(lesson)
    for known in known_values("invoice.client", [value]):
        knowledge.give(known)
    found = knowledge.answer(normalize(question.format(f'"{value}"')))
    assert isinstance(found, Learned)
    assert tree_and_literals(found.binding.query, None)[1] == [value]
