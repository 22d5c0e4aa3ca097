"""Values go into the tree of a query, and can change nothing in it but themselves."""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlglot import exp

from medha import QueryTemplate
from medha.templates.queries import Rendered


def _template(query: str, parameters: Any, **fields: Any) -> QueryTemplate:
    names = [*parameters]
    text = "about " + " or ".join(f"{{{name}}}" for name in names)
    return QueryTemplate.model_validate(
        {"intent": "x", "template_text": text, "query_template": query, "parameters": parameters, **fields}
    )


def _render(template: QueryTemplate, **values: Any) -> str:
    rendered = template.form.render(values)
    assert rendered is not None
    return rendered.query


ATTACKS = [
    "x'; DROP TABLE users; --",
    "x' OR '1'='1",
    "' UNION SELECT password FROM users --",
    "1 OR TRUE",
    "\\'; DROP TABLE users; --",
    "x\\",
    "/* */ 1",
    "ʼ; DROP TABLE users",
    "x\n--\n",
    "$$; DROP TABLE users; $$",
    "{other}",
    "%s",
    ":name",
    "?",
    "O'Brien",
    "10:00-12:00",
    "2026-08-12",
]


@pytest.mark.parametrize("dialect", [None, "postgres", "mysql", "sqlite", "duckdb", "bigquery", "snowflake", "tsql"])
@pytest.mark.parametrize("value", ATTACKS)
def test_no_value_changes_the_tree(dialect: str | None, value: str) -> None:
    template = _template("SELECT a FROM t WHERE b = {v} AND c = '{v}' AND d = 1", ["v"], dialect=dialect)
    query = _render(template, v=value)
    tree = sqlglot.parse_one(query, dialect=dialect)
    assert [literal.this for literal in tree.find_all(exp.Literal) if literal.is_string] == [value, value]
    harmless = sqlglot.parse_one(_render(template, v="x"), dialect=dialect)
    assert _shape(tree) == _shape(harmless)


@given(value=st.text(st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\0"), max_size=60))
def test_whatever_the_value_a_real_engine_reads_it_back_unchanged(value: str) -> None:
    template = _template("SELECT {v} AS v, '{v}' AS w", ["v"], dialect="sqlite")
    with_engine = sqlite3.connect(":memory:")
    try:
        assert with_engine.execute(_render(template, v=value)).fetchall() == [(value, value)]
    finally:
        with_engine.close()


@given(value=st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_is_a_number_in_the_query(value: float) -> None:
    template = _template("SELECT {v} AS v", {"v": "float" if isinstance(value, float) else "int"}, dialect="sqlite")
    with_engine = sqlite3.connect(":memory:")
    try:
        assert with_engine.execute(_render(template, v=value)).fetchone()[0] == pytest.approx(value)
    finally:
        with_engine.close()


def _shape(tree: Any) -> str:
    def flat(node: Any) -> Any:
        return exp.Var(this="?") if isinstance(node, exp.Literal) else node

    return repr(tree.transform(flat))


def test_a_date_and_a_text_in_quotes_are_literals() -> None:
    template = _template("SELECT 1 FROM t WHERE d = {day} AND n LIKE '%{name}%'", {"day": "date", "name": "string"})
    query = _render(template, day=date(2026, 8, 12), name="ab'c")
    assert query == "SELECT 1 FROM t WHERE d = '2026-08-12' AND n LIKE '%ab''c%'"


def test_a_sign_of_like_in_a_value_is_refused() -> None:
    template = _template("SELECT 1 FROM t WHERE n LIKE '%{name}%'", ["name"])
    assert template.form.render({"name": "100%"}) is None
    assert template.form.render({"name": "a_b"}) is None


def test_an_identifier_is_quoted_for_the_dialect() -> None:
    parameters = {"col": {"type": "identifier", "values": {"price": "unit price", "date": 'or"der'}}}
    template = _template("SELECT 1 FROM t ORDER BY {col}", parameters, dialect="mysql")
    assert _render(template, col="unit price") == "SELECT 1 FROM t ORDER BY `unit price`"
    assert _render(_template("SELECT 1 FROM t ORDER BY {col}", parameters), col='or"der').endswith('"or""der"')


def test_placeholders_keep_the_values_beside_the_query() -> None:
    template = _template("SELECT 1 FROM t WHERE a = {v} AND b > {n}", {"v": "string", "n": "int"}, binding="parameter")
    values = {"v": "x'; DROP TABLE t", "n": 5}
    assert template.form.render(values) == Rendered("SELECT 1 FROM t WHERE a = :v AND b > :n", values)


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("cypher", "MATCH (p:Person {name: $name})-[:KNOWS]->(f) RETURN f"),
        ("graphql", "query($name: String!) { person(name: $name) { friends { name } } }"),
    ],
)
def test_cypher_and_graphql_get_parameters(language: str, query: str) -> None:
    template = _template(query, ["name"], language=language)
    assert template.form.render({"name": "O'Brien"}) == Rendered(query, {"name": "O'Brien"})


@pytest.mark.parametrize(
    ("query", "parameters", "fields", "message"),
    [
        ("SELECT FROM WHERE {v}", ["v"], {}, "query_template is not SQL: "),
        ("SELECT {v}; DROP TABLE t", ["v"], {}, "holds 2 statements; it must be one"),
        ("", ["v"], {}, "at least 1 character"),
        ("SELECT 1", ["v"], {}, r"query_template never uses \['v'\]"),
        ("SELECT 1 /* {v} */", ["v"], {}, r"query_template never uses \['v'\]"),
        ("SELECT {v}", ["v"], {"dialect": "no such"}, "not SQL of the dialect no such"),
        ("MATCH (n) RETURN n", ["v"], {"language": "cypher"}, r"never uses \['v'\] outside quotes"),
        ("MATCH (n {a: '$v'}) RETURN n", ["v"], {"language": "cypher"}, r"never uses \['v'\] outside quotes"),
        ("RETURN $v", ["v"], {"language": "cypher", "binding": "literal"}, "as parameters only"),
        (
            "RETURN $v",
            {"v": {"type": "identifier", "values": ["a"]}},
            {"language": "cypher"},
            "an identifier cannot be a parameter of cypher",
        ),
    ],
)
def test_a_query_that_cannot_take_its_values_is_refused_when_it_is_loaded(
    query: str, parameters: Any, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        _template(query, parameters, **fields)
