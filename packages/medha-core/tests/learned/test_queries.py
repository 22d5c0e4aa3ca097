"""Cutting queries at their literals, and where the literals stand."""

from __future__ import annotations

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from medha.learned.queries import cut, literal_of, written
from medha.learned.sites import sites_of

WITH_TEXT = "SELECT a FROM t WHERE a = {} AND b = 2"
QUERIES = st.lists(
    st.one_of(
        st.sampled_from(["SELECT a FROM t WHERE b = ", " AND c LIKE ", " IN (", ", ", ")", " LIMIT ", " x1 ", '"Col"']),
        st.text(st.characters(exclude_characters="\\\0", exclude_categories=["Cs"]), max_size=8).map(
            lambda text: "'" + text.replace("'", "''") + "'"
        ),
        st.integers(0, 10**9).map(lambda number: f" {number} "),
    ),
    max_size=12,
).map("".join)


@given(QUERIES)
def test_a_cut_query_joins_to_itself(query: str) -> None:
    found = cut(query)
    if found is not None:
        assert found.with_literals([literal.raw for literal in found.literals]) == query


@given(st.text(st.characters(exclude_characters="\\\0", exclude_categories=["Cs"])), st.sampled_from("'\""))
def test_a_written_text_is_read_as_itself_and_ends_where_it_ends(text: str, quote: str) -> None:
    raw = written(text, "s", quote)
    assert literal_of(raw).value == text
    found = cut(WITH_TEXT.format(raw))
    assert found is not None
    assert [literal.value for literal in found.literals if literal.kind == "s"] == [text]


@given(st.text(st.characters(exclude_characters="\\\0", exclude_categories=["Cs"]), min_size=1))
def test_sqlglot_reads_the_same_literal(text: str) -> None:
    tree = sqlglot.parse_one(WITH_TEXT.format(written(text, "s", "'")))
    assert [node.this for node in tree.find_all(exp.Literal) if node.is_string] == [text]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t -- WHERE b = 'x'",
        "SELECT /* 'x' */ a FROM t",
        "SELECT $$it's$$",
        r"SELECT a FROM t WHERE b = 'it\'s'",
        "SELECT a FROM t WHERE b = E'x'",
        "SELECT a FROM t WHERE b = 'x\0'",
    ],
)
def test_comments_escapes_and_special_strings_are_not_cut(query: str) -> None:
    assert cut(query) is None


def test_a_double_quoted_string_is_a_value_only_where_something_is_compared_with_it() -> None:
    found = cut('SELECT "name", 5 FROM "t" WHERE "kind" = "red" AND x IN ("a", "b") AND "u"."v" = "t"."w"')
    assert found is not None
    assert [literal.value for literal in found.literals] == ["5", "red", "a", "b"]


@pytest.mark.parametrize(
    ("query", "sites"),
    [
        ("SELECT a FROM city WHERE name = 'x'", [("city.name", "eq")]),
        ("SELECT a FROM city AS c WHERE c.Name = 'x' LIMIT 5", [("city.name", "eq"), ("limit", "limit")]),
        ("SELECT a FROM city c, state s WHERE s.name LIKE '%x%'", [("state.name", "like")]),
        ("SELECT a FROM city c, state s WHERE name = 'x'", [("?.name", "eq")]),
        (
            "SELECT a FROM t WHERE LOWER(name) = 'x' AND n BETWEEN 1 AND 2",
            [("t.name", "eq"), ("t.n", "between_low"), ("t.n", "between_high")],
        ),
        ("SELECT a FROM t GROUP BY a HAVING COUNT(*) > 3", [("count(*)", "gt")]),
        ("SELECT a FROM t WHERE b < 400 + 100", [None, None]),
        ("SELECT 'x' FROM t WHERE SUBSTR(a, 1, 2) = 'y'", [None, None, None, None]),
        ("SELECT a FROM t WHERE b NOT IN ('x', 'y')", [("t.b", "not_in"), ("t.b", "not_in")]),
        ("SELECT a FROM t WHERE a IN (SELECT c FROM u WHERE u.d = 'x')", [("u.d", "eq")]),
    ],
)
def test_each_literal_knows_the_column_that_it_is_compared_with(
    query: str, sites: list[tuple[str, str] | None]
) -> None:
    found = cut(query)
    assert found is not None
    read = sites_of(found, None)
    assert read is not None
    assert [None if site is None else tuple(site) for site in read.sites] == sites


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (n) WHERE n.name = 'x' RETURN n",
        "SELECT a FROM",
        "SELECT 1; SELECT 2",
        "DELETE FROM t WHERE a = 'x'",
        "UPDATE t SET a = 'x'",
        "INSERT INTO t VALUES ('x')",
        "DROP TABLE t",
    ],
)
def test_only_one_query_that_parses_and_changes_nothing_teaches(query: str) -> None:
    found = cut(query)
    assert found is None or sites_of(found, None) is None


def test_columns_that_a_query_compares_are_joined() -> None:
    found = cut("SELECT a FROM city JOIN state ON city.state_id = state.id WHERE city.x IN (SELECT y FROM zone)")
    assert found is not None
    read = sites_of(found, None)
    assert read is not None
    assert read.joined == {("city.state_id", "state.id"), ("city.x", "zone.y")}
