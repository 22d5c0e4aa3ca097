"""Questions that try to get another question's query, or to become a part of their own."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medha.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# ---- values that want to be code ----

FRAGMENTS: Final = (
    "O'Brien", "x'; DROP TABLE person; --", "1 OR TRUE", "' OR '1'='1", "1 UNION SELECT code FROM secret", "Anna",
    "'; DELETE FROM person WHERE 'a'='a", "/*", "*/", "--", "#", ";", "\\", "\\'", "''", "'''", '"', "`", "``", "%",
    "_", "7", "ʼ", "’", "＇", "′", "‘", "ꞌ", "＂", "；", "－－", "\u00a0", "\u200b", "\u202e", "\u2028", "é", "e\u0301",
    "Å", "１２", "²", "$$", "$1", ":name", "?", "@@version", "E'\\x27'", "0x27", "CHAR(39)", "U&'\\0027'", "N'x'",
    "{customer}", "${name}", "})", "} ) { secret { code } }", "') RETURN 1 //", "MATCH (n) DETACH DELETE n", "1e309",
    "-1", "--1", "2026-08-12", "10:00-12:00", "NULL", "CAST(1 AS int)", "(SELECT code FROM secret)", "Straße", "мир",
    "東京", "🎉", "\t", "a\\nb",
)  # fmt: skip
QUOTES: Final = (("", ""), ("'", "'"), ('"', '"'), ("“", "”"), ("‘", "’"), ("`", "`"), ("«", "»"))
TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {
        "intent": "orders_of",
        "template_text": "orders of {customer}",
        "query_template": "SELECT id FROM orders WHERE customer = {customer}",
        "parameters": ["customer"],
    },
    {
        "intent": "busy_people",
        "template_text": "people in {city} with more than {count} orders",
        "query_template": "SELECT name FROM person WHERE city = {city} AND orders > {count}",
        "parameters": {"city": "string", "count": "int"},
    },
    {
        "intent": "about",
        "template_text": "tickets about {topic}",
        "query_template": "SELECT id FROM ticket WHERE title LIKE '%{topic}%'",
        "parameters": ["topic"],
    },
    {
        "intent": "rated",
        "template_text": "rating of {product} since {day}",
        "query_template": "SELECT avg(stars) FROM rating WHERE product = {product} AND day >= {day}",
        "parameters": {"product": "string", "day": "date"},
    },
    {
        "intent": "ordered_staff",
        "template_text": "staff of {city} by {column}",
        "query_template": "SELECT name FROM person WHERE city = {city} ORDER BY {column}",
        "parameters": {"city": "string", "column": {"type": "identifier", "values": ["name", "orders"]}},
    },
    {
        "intent": "beside",
        "template_text": "parcels for {customer}",
        "query_template": "SELECT id FROM orders WHERE customer = {customer}",
        "parameters": ["customer"],
        "binding": "parameter",
    },
    {
        "intent": "friends",
        "template_text": "friends of {person}",
        "query_template": "MATCH (:Person {name: $person})-[:FRIEND]-(f) RETURN f.name",
        "parameters": ["person"],
        "language": "cypher",
    },
    {
        "intent": "repository",
        "template_text": "issues of {repository}",
        "query_template": "query($repository: String!) { repository(name: $repository) { issues { title } } }",
        "parameters": ["repository"],
        "language": "graphql",
    },
)
LEARNT_FROM: Final = tuple(
    {"question": f"invoices of {name}", "generated_query": f"SELECT id FROM invoice WHERE client = '{name}'"}
    for name in ("Anna", "Bruno", "Clara", "Dora")
)
"""Entries for a cache that learns from them."""
_HARMLESS: Final = {"count": "5", "day": "2026-01-01", "column": "name"}
_TEXTS: Final = (*(str(template["template_text"]) for template in TEMPLATES), "invoices of {customer}")


def hostile_questions(count: int, seed: int) -> Iterator[str]:
    """Questions that fit a template but for what stands in its blanks."""
    draw = random.Random(seed)
    for _ in range(count):
        yield re.sub(r"\{(\w+)\}", lambda found: _value(found[1], draw), draw.choice(_TEXTS))


def hostile_values_known(count: int, seed: int) -> list[str]:
    """What stands in the blanks of those questions that an entry may answer: as if a column held it."""
    asked = "invoices of "
    found = (question.removeprefix(asked) for question in hostile_questions(count, seed) if question.startswith(asked))
    marks = "".join(mark for pair in QUOTES for mark in pair)
    return [value for each in found for value in {each, each.strip(marks)} if value.strip()]


def harmless_question(text: str) -> str:
    """The question of a template with values of which nobody is afraid."""
    return re.sub(r"\{(\w+)\}", lambda found: _HARMLESS.get(found[1], "Anna"), text)


def _value(name: str, draw: random.Random) -> str:
    if name in _HARMLESS and draw.random() < 0.7:
        return _HARMLESS[name]
    opening, closing = draw.choice(QUOTES)
    glue = draw.choice(("", " "))
    return f"{opening}{glue.join(draw.choices(FRAGMENTS, k=draw.randint(1, 3)))}{closing}"


def without_literals(query: str, dialect: str | None = None) -> str:
    """The tree of the one statement that the query is, with every literal masked.

    Raises:
        ValueError: it is not one statement.
    """
    import sqlglot
    from sqlglot import exp

    trees = sqlglot.parse(query, dialect=dialect)
    if len(trees) != 1 or trees[0] is None:
        raise ValueError(f"not one statement but {len(trees)}: {query!r}")

    def masked(node: Any) -> Any:
        negative = isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal)
        if negative or isinstance(node, exp.Literal | exp.Placeholder):
            return exp.Var(this="?")
        return exp.Var(this="column") if isinstance(node, exp.Identifier) and node.this in {"name", "orders"} else node

    return repr(trees[0].transform(masked))


# ---- questions that were changed ----

_NAMES: Final = ("Zagreb", "Okafor", "Lindqvist", "Tamsin", "Quito", "Ferrante")
_AUXILIARY: Final = frozenset({"is", "are", "was", "were", "do", "does", "did", "can", "has", "have", "will"})
_FRAME: Final = frozenset({
    "which", "what", "whom", "whose", "where", "when", "list", "show", "give", "find", "display", "return", "retrieve",
    "fetch", "provide", "tell", "could", "would", "please", "that", "this", "these", "those", "there", "their", "from",
    "with", "into", "than", "then", "them", "they", "have", "does", "were", "been", "will",
})  # fmt: skip
_SAME_EITHER_WAY: Final = frozenset({"and", "or", "plus", "both", "either", "neither", "nor", "between", "besides"})
"""With one of these, two words may change places and nothing is asked differently."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A question that was changed so that it asks something else."""

    how: str
    stored: str
    asked: str


def mutants(question: str, draw: random.Random) -> Iterator[Mutant]:
    """The question with a value replaced, a negation put in, two words swapped, and its words in another order."""
    words = question.split()
    for how, changed in (
        ("replace number", _replace_number(words, draw)),
        ("replace name", _replace_name(words, draw)),
        ("negate", _negate(words)),
        ("swap", _swap(words, draw)),
        ("reorder", _reorder(words, draw)),
    ):
        asked = " ".join(changed or ())
        if asked and normalize(asked).casefold() != normalize(question).casefold():
            yield Mutant(how, question, asked)


def _replace_number(words: Sequence[str], draw: random.Random) -> list[str] | None:
    at = [place for place, word in enumerate(words) if word.isdigit()]
    return _with(words, draw.choice(at), str(draw.randint(200, 900))) if at else None


def _replace_name(words: Sequence[str], draw: random.Random) -> list[str] | None:
    at = [place for place, word in enumerate(words) if place and word.isalpha() and word.istitle()]
    return _with(words, draw.choice(at), draw.choice(_NAMES)) if at else None


def _negate(words: Sequence[str]) -> list[str] | None:
    at = next((place for place, word in enumerate(words) if word.lower() in _AUXILIARY), None)
    if at is None or "not" in words:
        return None
    return [*words[: at + 1], "not", *words[at + 1 :]]


def _content(words: Sequence[str]) -> list[int]:
    return [
        place for place, word in enumerate(words) if word.isalpha() and len(word) > 3 and word.lower() not in _FRAME
    ]


def _swap(words: Sequence[str], draw: random.Random) -> list[str] | None:
    at = _content(words)
    if len(at) < 2 or _SAME_EITHER_WAY.intersection(word.lower() for word in words):
        return None
    one, other = draw.sample(at, 2)
    if words[one][:4].lower() == words[other][:4].lower():
        return None
    return _with(_with(words, one, words[other]), other, words[one])


def _reorder(words: Sequence[str], draw: random.Random) -> list[str] | None:
    if len(_content(words)) < 3 or _SAME_EITHER_WAY.intersection(word.lower() for word in words):
        return None
    shuffled = draw.sample(words, len(words))
    moved = [shuffled[place] for place in _content(shuffled)] != [words[place] for place in _content(words)]
    return shuffled if moved else None


def _with(words: Sequence[str], place: int, word: str) -> list[str]:
    return [*words[:place], word, *words[place + 1 :]]
