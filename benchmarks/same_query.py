"""Whether two SQL queries ask the same: the same text but for what no engine reads, or the same tree.

What may differ: case outside strings, white space, the style of quotes, the form of a number, names of aliases, the
order of conjuncts, of IN lists and of tables in FROM, a trailing semicolon. What an engine returns is not compared: two
different questions often have the same answer on one small database.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlglot import exp

_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[0-9]+(?:\.[0-9]+)?|\w+|<>|!=|<=|>=|==|\S")
_SAME_SIGN: Final = {"!=": "<>", "==": "="}


@functools.lru_cache(maxsize=200_000)
def canonical(query: str) -> str:
    """The query's pieces in one form each."""
    return " ".join(_canonical_piece(piece) for piece in _TOKEN.findall(query.strip().rstrip("; ")))


def _canonical_piece(piece: str) -> str:
    if piece[0] in "'\"":
        inside = " ".join(piece[1:-1].replace(piece[0] * 2, piece[0]).lower().split())
        return f"'{inside}'"
    if piece[0].isdigit() and "." in piece:
        return piece.rstrip("0").rstrip(".")
    return _SAME_SIGN.get(piece, piece.lower())


@functools.lru_cache(maxsize=100_000)
def _tree_form(query: str) -> str | None:
    """The tree in one form; ``None`` where the query is no SQL that sqlglot reads."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(canonical(query))
    except (SqlglotError, RecursionError):
        return None
    names: dict[str, str] = {}
    for table in tree.find_all(exp.Table):
        if table.alias:
            same = sum(name.startswith(f"{table.name}#") for name in names.values())
            names.setdefault(table.alias, f"{table.name}#{same}")
    for column in tree.find_all(exp.Column):
        if column.table in names:
            column.set("table", exp.to_identifier(names[column.table], quoted=True))
    for table in tree.find_all(exp.Table):
        if table.alias in names:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(names[table.alias], quoted=True)))
    return _ordered(tree)


def _ordered(tree: exp.Expr) -> str:
    """The tree as text, with the operands of AND, OR and = and the tables of FROM in one order."""
    from sqlglot import exp

    for kind in (exp.And, exp.Or):
        for node in reversed(list(tree.find_all(kind))):
            if not isinstance(node.parent, kind):
                first, *others = sorted((operand.copy() for operand in node.flatten()), key=lambda each: each.sql())
                for operand in others:
                    first = kind(this=first, expression=operand)
                if node.parent:
                    node.replace(first)
    for node in tree.find_all(exp.EQ):
        left, right = sorted((node.this, node.expression), key=lambda each: each.sql())
        node.set("this", left)
        node.set("expression", right)
    for node in tree.find_all(exp.In):
        node.set("expressions", sorted(node.expressions, key=lambda each: each.sql()))
    text = tree.sql()
    return re.sub(r"FROM ((?:[\w\"# ]+, )+[\w\"# ]+?)(?= WHERE| GROUP| ORDER|$|\))", _ordered_tables, text)


def _ordered_tables(found: re.Match[str]) -> str:
    return "FROM " + ", ".join(sorted(found[1].split(", ")))


def is_one_of(served: str, accepted: Iterable[str]) -> bool:
    """Whether the served query is one of these."""
    wanted = list(accepted)
    if canonical(served) in {canonical(query) for query in wanted}:
        return True
    form = _tree_form(served)
    return form is not None and form in {_tree_form(query) for query in wanted}
