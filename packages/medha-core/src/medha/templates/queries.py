"""The query of a template: values go into its tree as typed literals, or beside it; never into its text."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.templates.blanks import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlglot import exp

    from medha.templates.model import QueryTemplate
    from medha.templates.parameters import Value

_BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STRING: Final = re.compile(r"'(?:[^']|'')*'")
_END: Final = "\ue001"
_WHOLE: Final = "\ue002"
_INSIDE: Final = re.compile(f"{BLANK}([A-Za-z0-9_]+)[{_END}{_WHOLE}]")
_NAME_PREFIX: Final = "medha_blank_"


class Rendered(NamedTuple):
    """A query with its values: in it, or beside it."""

    query: str
    parameters: Mapping[str, Value]


class QueryForm(ABC):
    """A query that waits for values. ``columns`` tells what each parameter is compared with, where that is known."""

    columns: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def render(self, values: Mapping[str, Value]) -> Rendered | None:
        """The query for these values; ``None`` when one of them cannot stand where the query has it."""


def form_of(template: QueryTemplate) -> QueryForm:
    """The parsed query of the template.

    Raises:
        ValueError: it does not parse, never uses a parameter, or has one where no value can stand.
    """
    return SqlForm(template) if template.language == "sql" else ParameterForm(template)


class ParameterForm(QueryForm):
    """Cypher or GraphQL: ``$name`` in the query, the values beside it."""

    def __init__(self, template: QueryTemplate) -> None:
        names = {parameter.name for parameter in template.parameters}
        self._query = _BRACED.sub(
            lambda found: f"${found[1]}" if found[1] in names else found[0], template.query_template
        )
        used = set(re.findall(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.sub(r"'[^']*'|\"[^\"]*\"", "", self._query)))
        if unused := names - used:
            raise ValueError(f"query_template never uses {sorted(unused)} outside quotes; write $name")
        if any(parameter.type == "identifier" for parameter in template.parameters):
            raise ValueError(f"an identifier cannot be a parameter of {template.language}; make one template for each")

    def render(self, values: Mapping[str, Value]) -> Rendered:
        """The same query text for all values."""
        return Rendered(self._query, dict(values))


class SqlForm(QueryForm):
    """SQL as a tree, whose blanks are literals and identifiers."""

    def __init__(self, template: QueryTemplate) -> None:
        from sqlglot import exp

        self._dialect = template.dialect
        self._beside = template.binding == "parameter"
        identifiers = {parameter.name for parameter in template.parameters if parameter.type == "identifier"}
        names = {parameter.name for parameter in template.parameters}
        self._tree = parse_one(_with_blanks(template.query_template, names, identifiers), self._dialect)
        used = [name for node in self._tree.find_all(exp.Literal) for name in _INSIDE.findall(_text_of(node))]
        named = [name for node in self._tree.find_all(exp.Identifier) if (name := _identifier_name(node))]
        self.columns = _columns(self._tree)
        if unused := names - set(used) - set(named):
            raise ValueError(f"query_template never uses {sorted(unused)} as a value")
        left = BLANK in self._tree.sql(comments=True) and not set(used)
        if left or set(used) & set(named):
            raise ValueError("query_template has a parameter where no value can stand")

    def render(self, values: Mapping[str, Value]) -> Rendered | None:
        """The tree with the values in place, proven to be the same but for them."""
        from sqlglot import exp

        tree = self._tree.copy()
        beside: dict[str, Value] = {}
        for node in list(tree.find_all(exp.Literal)):
            if BLANK in _text_of(node) and not self._fill(node, values, beside):
                return None
        for node in list(tree.find_all(exp.Identifier)):
            name = _identifier_name(node)
            if name:
                node.replace(exp.to_identifier(str(values[name]), quoted=True))
        query = tree.sql(dialect=self._dialect)
        if not same_but_for_literals(query, self._tree, self._dialect, values):
            return None
        return Rendered(query, beside if self._beside else dict(values))

    def _fill(self, node: exp.Literal, values: Mapping[str, Value], beside: dict[str, Value]) -> bool:
        from sqlglot import exp

        text = _text_of(node)
        whole = _INSIDE.fullmatch(text)
        if whole:
            value = values[whole[1]]
            value = str(value) if text.endswith(_END) else value
            name = whole[1]
        else:
            # a sign of LIKE's own would match more than was asked for
            pattern = isinstance(node.parent, exp.Like | exp.ILike)
            if pattern and any({"%", "_", "\\"} & set(str(values[name])) for name in _INSIDE.findall(text)):
                return False
            value = _INSIDE.sub(lambda found: str(values[found[1]]), text)
            name = "_".join(_INSIDE.findall(text))
        if self._beside:
            if beside.setdefault(name, value) != value:
                return False
            node.replace(exp.Placeholder(this=name))
        else:
            node.replace(literal(value))
        return True


def parse_one(query: str, dialect: str | None) -> exp.Expr:
    """The tree of one statement.

    Raises:
        ValueError: it is none, or several.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(query, dialect=dialect) if tree is not None]
    except (SqlglotError, ValueError, RecursionError) as exc:
        first = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        of = f"SQL of the dialect {dialect}" if dialect else "SQL"
        raise ValueError(f"query_template is not {of}: {first}; set dialect, or language for another one") from exc
    if len(trees) != 1:
        raise ValueError(f"query_template holds {len(trees)} statements; it must be one")
    return trees[0]


def literal(value: Value) -> exp.Expr:
    """The typed literal of a value."""
    from sqlglot import exp

    if isinstance(value, date):
        return exp.Literal.string(value.isoformat())
    if isinstance(value, str):
        return exp.Literal.string(value)
    # "1e-07" is not a number in every dialect
    return exp.Literal.number(str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f"))


def same_but_for_literals(query: str, tree: exp.Expr, dialect: str | None, values: Mapping[str, Value]) -> bool:
    """Whether the query, parsed again, is this tree but for literals, placeholders and the named identifiers."""
    try:
        return _shape(parse_one(query, dialect), values) == _shape(tree, values)
    except ValueError:
        return False


def _shape(tree: exp.Expr, values: Mapping[str, Value]) -> str:
    from sqlglot import exp

    texts = {str(value) for value in values.values()}

    def flat(node: Any) -> Any:
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
            return exp.Var(this="?")
        if isinstance(node, exp.Literal | exp.Placeholder | exp.Parameter):
            return exp.Var(this="?")
        if isinstance(node, exp.Identifier) and (_identifier_name(node) or node.this in texts):
            return exp.Var(this="??")
        return node

    return repr(tree.transform(flat))


def _columns(tree: exp.Expr) -> dict[str, str]:
    """What each parameter is compared with: a column, or LIMIT."""
    from sqlglot import exp

    found: dict[str, str] = {}
    for node in tree.find_all(exp.Literal):
        parent = node.parent
        beside = None
        if isinstance(parent, exp.Between | exp.In):
            beside = parent.this
        elif isinstance(parent, exp.Binary):
            beside = parent.right if parent.left is node else parent.left
        column = "LIMIT" if isinstance(parent, exp.Limit) else beside.sql() if isinstance(beside, exp.Column) else None
        if column is not None:
            found |= dict.fromkeys(_INSIDE.findall(_text_of(node)), column)
    return found


def _with_blanks(query: str, names: Iterable[str], identifiers: Iterable[str]) -> str:
    """The query with marked literals for its blanks; those that it quotes itself stay inside their quotes."""
    known, plain = set(names), set(identifiers)

    def inside(found: re.Match[str]) -> str:
        return f"{BLANK}{found[1]}{_END}" if found[1] in known else found[0]

    def outside(found: re.Match[str]) -> str:
        if found[1] in plain:
            return _NAME_PREFIX + found[1]
        return f"'{BLANK}{found[1]}{_WHOLE}'" if found[1] in known else found[0]

    cut: list[str] = []
    position = 0
    for string in _STRING.finditer(query):
        cut += (_BRACED.sub(outside, query[position : string.start()]), _BRACED.sub(inside, string.group()))
        position = string.end()
    return "".join(cut) + _BRACED.sub(outside, query[position:])


def _text_of(node: Any) -> str:
    return node.this if isinstance(node.this, str) else ""


def _identifier_name(node: Any) -> str:
    text = _text_of(node)
    return text.removeprefix(_NAME_PREFIX) if text.startswith(_NAME_PREFIX) else ""
