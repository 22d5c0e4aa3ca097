"""Attacks on the real cache: values that want to be code, and questions changed so that they ask something else.

    attack.py [--questions 10000] [--seed 1] [--embedder wordllama|minilm|NAME] [--data FILE.jsonl ...] [--show]

Values: questions that fit a template, with quotes, comments, look-alikes and SQL in their blanks (``hostile.py``); the
column of the learned template is said to hold them all. Whatever is answered must be the template's own tree except at
the literals, and must run in SQLite where nothing but reading is allowed, and not of every table; a Cypher or GraphQL
query must be the template's text.

Changed questions: each stored question with a value replaced, a negation put in, two words swapped, its words shuffled,
with every threshold at its lowest, so that only the guards stand between. Each must miss, unless the changed question
is stored too. The exit code is 1 when anything else happens.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hostile import (
    LEARNT_FROM,
    TEMPLATES,
    harmless_question,
    hostile_questions,
    hostile_values_known,
    mutants,
    without_literals,
)
from pairs import OPEN, read_pairs
from questions import progress, read_questions, run_with_embedder
from same_query import is_one_of

from medha import Medha, Settings
from medha.errors import InvalidInputError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from questions import RememberingEmbedder

    from medha import CacheHit

SCHEMA: Final = """
CREATE TABLE orders (id, customer); CREATE TABLE person (name, city, orders); CREATE TABLE ticket (id, title);
CREATE TABLE rating (product, day, stars); CREATE TABLE invoice (id, client); CREATE TABLE secret (code);
INSERT INTO secret VALUES ('the secret'); INSERT INTO orders VALUES (1, 'Anna'), (2, 'O''Brien');
INSERT INTO person VALUES ('Anna', 'Anna', 9), ('Ben', '7', 9); INSERT INTO ticket VALUES (1, 'Anna'), (2, 'all');
INSERT INTO rating VALUES ('Anna', '2026-05-01', 4); INSERT INTO invoice VALUES (1, 'Anna');
"""
ALLOWED: Final = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


def _only_reading(action: int, table: str | None, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in ALLOWED and table != "secret" else sqlite3.SQLITE_DENY


class Judge:
    """Says whether an answer is what its template allows."""

    def __init__(self) -> None:
        self.trees: dict[str, str] = {}
        self.database = sqlite3.connect(":memory:")
        self.database.executescript(SCHEMA)
        self.database.set_authorizer(_only_reading)

    async def learn(self, cache: Medha) -> None:
        """The trees of harmless answers."""
        for template in TEMPLATES:
            hit = await cache.search(harmless_question(str(template["template_text"])))
            assert hit.template_used == template["intent"], hit
            self.trees[str(template["intent"])] = self._form(hit, str(template.get("language", "sql")))

    def complaint(self, hit: CacheHit) -> str | None:
        """What is wrong with the answer, if anything is."""
        template = next((t for t in TEMPLATES if t["intent"] == hit.template_used), None)
        language = "sql" if template is None else str(template.get("language", "sql"))
        wanted = (
            without_literals(LEARNT_FROM[0]["generated_query"]) if template is None else self.trees[template["intent"]]
        )
        try:
            if self._form(hit, language) != wanted:
                return "another tree"
            if language == "sql":
                parameters = {name: str(value) for name, value in hit.parameters.items()}
                self.database.execute(hit.generated_query or "", parameters).fetchall()
        except (ValueError, sqlite3.Error) as exc:
            return f"{type(exc).__name__}: {exc}"
        return None

    @staticmethod
    def _form(hit: CacheHit, language: str) -> str:
        query = hit.generated_query or ""
        return without_literals(query) if language == "sql" else query


async def hostile_values(options: argparse.Namespace, embedder: RememberingEmbedder) -> list[str]:
    """Ask every hostile question; the complaints."""
    complaints: list[str] = []
    answered: Counter[str] = Counter()
    backend = MemoryBackend()
    async with Medha("hostile", embedder, backend, Settings(l1_cache_max_size=0), templates=TEMPLATES) as cache:
        await cache.store_many(LEARNT_FROM)
        for value in hostile_values_known(options.questions, options.seed):
            with suppress(InvalidInputError):
                await cache.load_values("invoice.client", [value])
        judge = Judge()
        await judge.learn(cache)
        show = progress("hostile values")
        for number, question in enumerate(hostile_questions(options.questions, options.seed), start=1):
            hit = await cache.search(question)
            if hit:
                answered[str(hit.strategy)] += 1
                complaint = judge.complaint(hit)
                if complaint is not None:
                    complaints.append(f"{complaint}: {question!r} got {hit.generated_query!r}")
            show(number, options.questions)
    counts = ", ".join(f"{count:,} by {strategy}" for strategy, count in answered.items()) or "none"
    print(f"{options.questions:,} questions with hostile values: answered {counts}; {len(complaints)} wrongly")
    return complaints


async def changed_questions(
    options: argparse.Namespace, embedder: RememberingEmbedder, name: str, known: Sequence[tuple[str, str]]
) -> list[str]:
    """Ask every changed question of a set; the complaints."""
    draw = random.Random(options.seed)
    sampled = draw.sample(known, min(len(known), options.questions // 4))
    queries = dict(sampled)
    asked: Counter[str] = Counter()
    complaints: list[str] = []
    async with Medha(name, embedder, MemoryBackend(), Settings(**OPEN)) as cache:
        await cache.store_many({"question": question, "generated_query": query} for question, query in sampled)
        for number, (question, _) in enumerate(sampled, start=1):
            for mutant in mutants(question, draw):
                asked[mutant.how] += 1
                hit = await cache.search(mutant.asked)
                # a change may lead to another stored question; its own query is the true one
                if hit and (hit.matched_question == question or not _is_stored(mutant.asked, hit, queries)):
                    complaints.append(f"{mutant.how}: {mutant.asked!r} got that of {hit.matched_question!r}")
            progress(name)(number, len(sampled))
    counts = ", ".join(f"{count:,} by {how}" for how, count in asked.items())
    print(f"{name}: {asked.total():,} changed questions ({counts}); {len(complaints)} served wrongly")
    return complaints


def _is_stored(asked: str, hit: CacheHit, queries: dict[str, str]) -> bool:
    """Whether the very question is stored too, with this query, but for the case of its letters."""
    own = [
        query
        for question, query in queries.items()
        if question.casefold().rstrip("?. ") == asked.casefold().rstrip("?. ")
    ]
    return bool(own) and is_one_of(hit.generated_query or "", own)


async def attack(options: argparse.Namespace, embedder: RememberingEmbedder) -> int:
    complaints = await hostile_values(options, embedder)
    pairs = [*read_pairs("near_misses"), *read_pairs("paraphrases")]
    complaints += await changed_questions(options, embedder, "own pairs", [(pair.stored, pair.query) for pair in pairs])
    for file in options.data:
        known = [(asking.question, asking.query) for asking in read_questions(file)]
        complaints += await changed_questions(options, embedder, file.stem, known)
    for complaint in complaints if options.show else complaints[:20]:
        print(f"  {complaint}")
    return 1 if complaints else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--embedder", default="wordllama", help="an embedder plugin, or minilm")
    parser.add_argument("--fastembed-folder", type=Path, help="a folder with all-MiniLM-L6-v2, for minilm")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="files of questions to change, too")
    parser.add_argument("--show", action="store_true", help="print every complaint, not the first twenty")
    options = parser.parse_args()
    sys.exit(run_with_embedder(options.embedder, options.fastembed_folder, lambda embedder: attack(options, embedder)))


if __name__ == "__main__":
    main()
