"""A query cut at its literals: what stands between them is its skeleton."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

STRING: Final = "s"
NUMBER: Final = "n"

_TOKEN: Final = re.compile(
    r"""
    '(?:[^']|'')*'
  | "(?:[^"]|"")*"
  | `[^`]*` | \[[^\[\]']*\]
  | --[^\n]* | /\*.*?\*/ | \$\w*\$
  | (?<![\w.$:@])[0-9]+(?:\.[0-9]+)?(?![\w.])
    """,
    re.VERBOSE | re.DOTALL,
)
# What precedes a value: "name" = "x" compares with a string where the dialect allows it.
_COMPARES: Final = re.compile(r"(?:[=<>]|\blike|\bglob|\bin\s*\(|\bbetween)\s*\Z", re.IGNORECASE)
_LISTS: Final = re.compile(r"\s*(?:,|\band)\s*\Z", re.IGNORECASE)


class Literal(NamedTuple):
    """A literal of a query as it is written, and the value it stands for."""

    kind: str
    raw: str
    value: str
    """The string without its quotes, or the digits of a number."""

    @property
    def quote(self) -> str:
        """The mark that a string stands in; empty for a number."""
        return self.raw[0] if self.kind == STRING else ""


class Cut(NamedTuple):
    """A query between its literals: one text more than there are literals."""

    texts: tuple[str, ...]
    literals: tuple[Literal, ...]

    def with_literals(self, raws: list[str]) -> str:
        """The query with other literals, as they are to be written."""
        return self.texts[0] + "".join(raw + text for raw, text in zip(raws, self.texts[1:], strict=True))


def cut(query: str) -> Cut | None:
    """The query cut at its literals; ``None`` for one with comments, escapes or strings of a special kind."""
    if "\\" in query or "\0" in query:
        return None
    texts: list[str] = []
    literals: list[Literal] = []
    start, valued = 0, False
    for token in _TOKEN.finditer(query):
        raw = token.group()
        if raw[0] in "-/$":
            return None
        if raw[0] in "`[":
            continue
        before = query[start : token.start()]
        if raw[0] == '"':
            is_value = _COMPARES.search(before) or (valued and _LISTS.fullmatch(before))
            if not is_value or query[token.end() : token.end() + 1] == ".":
                continue
        elif raw[0] == "'" and before[-1:].isalnum():
            return None
        valued = raw[0] == '"'
        texts.append(before)
        literals.append(literal_of(raw))
        start = token.end()
    texts.append(query[start:])
    return Cut(tuple(texts), tuple(literals))


def literal_of(raw: str) -> Literal:
    """A literal as it is written in a query."""
    if raw[0] in "'\"":
        return Literal(STRING, raw, raw[1:-1].replace(raw[0] * 2, raw[0]))
    return Literal(NUMBER, raw, raw)


def written(value: str, kind: str, quote: str) -> str:
    """A value as a literal: in this quote, doubled where it stands inside."""
    return value if kind == NUMBER else quote + value.replace(quote, quote * 2) + quote
