"""Where each literal of a query stands: which column it is compared with, and how."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.learned.queries import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot import exp

    from medha.learned.queries import Cut, Literal

_MARK: Final = "\ue000"
_EITHER_QUOTE: Final = frozenset({None, "", "sqlite"})
"""Dialects in which a name in double quotes that no column has is a text, or may be."""
_FIRST_NUMBER: Final = 982_451_000


class Site(NamedTuple):
    """The place of one literal in the tree of its query."""

    column: str
    """``table.column`` in lower case; ``limit``, or ``count`` and the like for an aggregate."""
    relation: str


class Sites(NamedTuple):
    """What the tree of a query says of its literals, whatever their values are."""

    sites: tuple[Site | None, ...]
    """``None`` for a literal that no column is compared with: it is no value of the question's."""
    joined: frozenset[tuple[str, str]]
    """Columns that are compared with each other, so that they hold the same things."""
    doubled: frozenset[str]
    """The quotes that are doubled inside a text, as the dialect has it."""
    names: frozenset[str]
    """The parts of every table's and column's name."""


def sites_of(cut: Cut, dialect: str | None) -> Sites | None:
    """The sites of a query's literals; ``None`` if it does not parse."""
    doubled = _doubled(dialect)
    for literal in cut.literals:
        if literal.quote and not _is_read_so(literal, doubled, dialect):
            return None
    return _sites_of(cut.texts, tuple(literal.kind for literal in cut.literals), dialect)


def _is_read_so(literal: Literal, doubled: frozenset[str], dialect: str | None) -> bool:
    """Whether the dialect reads the literal as this text: "x" may be a column, and a quote be written otherwise."""
    return literal.quote in _quotes(dialect) and (literal.quote not in literal.value or literal.quote in doubled)


@lru_cache(maxsize=64)
def _quotes(dialect: str | None) -> frozenset[str]:
    from sqlglot.dialects import Dialect

    if dialect in _EITHER_QUOTE:
        return frozenset("'\"")
    reads = Dialect.get_or_raise(dialect).tokenizer_class
    names = {mark if isinstance(mark, str) else mark[0] for mark in reads.IDENTIFIERS}
    return frozenset(str(quote) for quote in reads.QUOTES) - names


@lru_cache(maxsize=64)
def _doubled(dialect: str | None) -> frozenset[str]:
    from sqlglot.dialects import Dialect

    if dialect in _EITHER_QUOTE:
        return frozenset("'\"")
    return frozenset(Dialect.get_or_raise(dialect).tokenizer_class.STRING_ESCAPES) & frozenset("'\"")


@lru_cache(maxsize=4096)
def _sites_of(texts: tuple[str, ...], kinds: tuple[str, ...], dialect: str | None) -> Sites | None:
    marks = [str(_FIRST_NUMBER + i) if kind == NUMBER else f"'{_MARK}{i}'" for i, kind in enumerate(kinds)]
    tree = _parsed(texts[0] + "".join(mark + text for mark, text in zip(marks, texts[1:], strict=True)), dialect)
    if tree is None:
        return None
    from sqlglot import exp

    sites: list[Site | None] = [None] * len(kinds)
    seen: set[int] = set()
    for node in tree.find_all(exp.Literal):
        number = _number_of(node)
        if number is not None and number < len(kinds):
            if number in seen:
                return None
            seen.add(number)
            sites[number] = _site_of(node)
    if len(seen) != len(kinds):
        return None
    return Sites(tuple(sites), frozenset(_joined(tree)), _doubled(dialect), frozenset(_names(tree)))


def _parsed(query: str, dialect: str | None) -> exp.Expr | None:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(query, dialect=dialect) if tree is not None]
    except (SqlglotError, ValueError, RecursionError):
        return None
    return trees[0] if len(trees) == 1 and isinstance(trees[0], exp.Query) else None


def _number_of(node: exp.Literal) -> int | None:
    text = str(node.this)
    if node.is_string:
        return int(text[1:]) if text.startswith(_MARK) else None
    return int(text) - _FIRST_NUMBER if text.isdigit() and int(text) >= _FIRST_NUMBER else None


def _site_of(node: exp.Expr) -> Site | None:
    from sqlglot import exp

    child, parent = node, node.parent
    while isinstance(parent, exp.Paren | exp.Neg | exp.Tuple):
        child, parent = parent, parent.parent
    if isinstance(parent, exp.Limit | exp.Fetch):
        return Site("limit", "limit")
    compared = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike, exp.In, exp.Between)
    if not isinstance(parent, compared):
        return None
    others: list[Any] = [parent.args.get("this"), parent.args.get("expression")]
    other = next((each for each in others if each is not None and each is not child), None)
    relation = parent.key
    if isinstance(parent, exp.Between):
        relation += "_low" if parent.args.get("low") is child else "_high"
    if isinstance(parent.parent, exp.Not):
        relation = f"not_{relation}"
    column = column_of(other)
    return None if column is None else Site(column, relation)


def column_of(node: Any) -> str | None:
    """The column that an expression is of, or the aggregate that it is."""
    from sqlglot import exp

    if isinstance(node, exp.AggFunc):
        inner = column_of(node.this)
        return f"{node.key}({inner or '*'})"
    while isinstance(node, exp.Paren | exp.Lower | exp.Upper | exp.Trim | exp.Cast):
        node = node.this
    if not isinstance(node, exp.Column):
        return None
    return f"{_table_of(node)}.{node.name.lower()}"


def _table_of(column: exp.Column) -> str:
    """The table of a column; "?" where the query alone does not say."""
    from sqlglot import exp

    qualifier = column.table.lower()
    select = column.find_ancestor(exp.Select, exp.Update, exp.Delete)
    while select is not None:
        tables = list(_tables_in(select))
        if not qualifier:
            return tables[0][1] if len(tables) == 1 else "?"
        for alias, table in tables:
            if qualifier in {alias, table}:
                return table
        select = select.find_ancestor(exp.Select)
    return qualifier or "?"


def _tables_in(select: exp.Expr) -> Iterator[tuple[str, str]]:
    from sqlglot import exp

    sources = [select.args.get("from_") or select.args.get("from"), *select.args.get("joins", [])]
    for source in sources:
        this = source.this if source is not None else None
        if isinstance(this, exp.Table):
            yield this.alias_or_name.lower(), this.name.lower()


def _joined(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    from sqlglot import exp

    for node in tree.find_all(exp.EQ, exp.In):
        one = column_of(node.this)
        other = node.args.get("expression")
        query = node.args.get("query")
        if query is not None:
            inner = query.find(exp.Select)
            other = inner.expressions[0] if inner is not None and inner.expressions else None
        two = column_of(other)
        if one and two and one != two:
            yield (one, two)


def _names(tree: exp.Expr) -> Iterator[str]:
    from sqlglot import exp

    for node in tree.find_all(exp.Table, exp.Column):
        yield node.name.lower()
