"""The part of the OData filter language that is used, read and evaluated.

The grammar is that of "OData expression syntax reference for Azure AI Search": comparisons of a field with a constant,
``and``, ``or``, ``not``, parentheses, ``search.in`` and ``any`` over a collection of strings.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .refusing import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Fields: TypeAlias = Mapping[str, Mapping[str, Any]]
    Accepts: TypeAlias = Callable[[Mapping[str, Any]], bool]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>[():,/]))"
)
_COMPARING: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "Edm.String": (str,),
    "Edm.Boolean": (bool,),
    "Edm.Double": (int, float),
    "Edm.Int64": (int,),
}


def predicate(text: str, fields: Fields) -> Accepts:
    """The filter as a function of a document; refuses at once what is wrong with it."""
    reader = _Reader(text, fields)
    accepts = reader.either()
    reader.expect("end")
    return accepts


def string(token: str) -> str:
    """The text that a literal means."""
    return token[1:-1].replace("''", "'")


class _Reader:
    def __init__(self, text: str, fields: Fields) -> None:
        self._tokens = [*_tokens(text), ("end", "")]
        self._at = 0
        self._fields = fields

    def either(self) -> Accepts:
        parts = [self._both()]
        while self._take("word", "or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda document: any(part(document) for part in parts)

    def expect(self, kind: str, text: str | None = None) -> str:
        found = self._take(kind, text)
        if found is None:
            raise RefusedError(
                f"Invalid expression: Syntax error at {self._tokens[self._at][1]!r}, expected {text or kind}."
            )
        return found

    def _both(self) -> Accepts:
        parts = [self._one()]
        while self._take("word", "and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda document: all(part(document) for part in parts)

    def _one(self) -> Accepts:
        if self._take("word", "not"):
            inner = self._one()
            return lambda document: not inner(document)
        if self._take("sign", "("):
            inner = self.either()
            self.expect("sign", ")")
            return inner
        name = self.expect("word")
        if name == "search.in":
            return self._search_in()
        if self._take("sign", "/"):
            return self._any_of(name)
        return self._comparison(name)

    def _search_in(self) -> Accepts:
        self.expect("sign", "(")
        name = self.expect("word")
        self._field(name, "Edm.String")
        self.expect("sign", ",")
        values = string(self.expect("string"))
        self.expect("sign", ",")
        delimiters = string(self.expect("string"))
        self.expect("sign", ")")
        wanted = {part for part in re.split(f"[{re.escape(delimiters)}]", values) if part}
        return lambda document: document.get(name) in wanted

    def _any_of(self, name: str) -> Accepts:
        self._field(name, "Collection(Edm.String)")
        self.expect("word", "any")
        self.expect("sign", "(")
        variable = self.expect("word")
        self.expect("sign", ":")
        self.expect("word", variable)
        self.expect("word", "eq")
        wanted = string(self.expect("string"))
        self.expect("sign", ")")
        return lambda document: wanted in (document.get(name) or ())

    def _comparison(self, name: str) -> Accepts:
        how = self.expect("word")
        if how not in _COMPARING:
            raise RefusedError(f"Invalid expression: {how!r} is no operator.")
        compare, wanted = _COMPARING[how], self._constant()
        kind = self._field(name)
        if wanted is not None and not (
            isinstance(wanted, _FITTING.get(kind, ())) and isinstance(wanted, bool) == (kind == "Edm.Boolean")
        ):
            raise RefusedError(f"Invalid expression: {name!r} of type {kind} cannot be compared with {wanted!r}.")
        if wanted is None:
            return lambda document: compare(document.get(name) is None, True)
        # what is null is neither more nor less than anything
        return lambda document: document.get(name) is not None and compare(document[name], wanted)

    def _constant(self) -> Any:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "string":
            return string(text)
        if kind == "number":
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        if text not in _CONSTANTS:
            raise RefusedError(f"Invalid expression: {text!r} is no constant.")
        return _CONSTANTS[text]

    def _field(self, name: str, *kinds: str) -> str:
        field = self._fields.get(name)
        if field is None:
            raise RefusedError(
                f"Invalid expression: Could not find a property named '{name}' on type 'search.document'."
            )
        if not field.get("filterable"):
            raise RefusedError(f"Invalid expression: '{name}' is not a filterable field.")
        if kinds and field["type"] not in kinds:
            raise RefusedError(f"Invalid expression: '{name}' is of type {field['type']}.")
        return field["type"]

    def _take(self, kind: str, text: str | None = None) -> str | None:
        found = self._tokens[self._at]
        if found[0] != kind or (text is not None and found[1] != text):
            return None
        self._at += 1
        return found[1]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise RefusedError(f"Invalid expression: Syntax error at position {at} in the filter.")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens
