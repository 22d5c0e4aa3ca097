"""What the demo does: store, ask again, in other words, for other values, and what only sounds alike."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from medha import Settings
from medha.errors import FileError
from medha_cli.demo.database import load, make_shop, rows_of
from medha_cli.opening import DEFAULT_BACKEND, DEFAULT_EMBEDDER, Choice, open_apart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from medha import CacheHit, Medha

Group = Literal["identical", "again", "paraphrase", "other values", "near miss"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
Outcome = Literal["right", "miss", "false hit"]

SHOWN_RESULTS: Final = 4
SHOWN_VALUES: Final = 2
SHOWN_ROWS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question of the demo, and what the cache made of it.

    ``expected`` is the query that is right, ``None`` where only a miss is; ``about`` is the stored question that this
    one repeats, rephrases, asks for another value, or merely resembles.
    """

    group: Group
    question: str
    about: str
    note: str
    expected: str | None
    hit: CacheHit
    milliseconds: float

    @property
    def outcome(self) -> Outcome:
        """Whether the right query was served, none, or a wrong one."""
        if not self.hit:
            return "right" if self.expected is None else "miss"
        return "right" if self.hit.generated_query == self.expected else "false hit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The first rows that a served query gave on the shop."""

    question: str
    query: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out."""

    folder: Path
    stored: int
    store_seconds: float
    answers: list[Answer]
    rows: list[Rows]

    def of(self, group: Group) -> list[Answer]:
        """The answers of one group."""
        return [answer for answer in self.answers if answer.group == group]

    @property
    def false_hits(self) -> list[Answer]:
        """The unforgivable ones."""
        return [answer for answer in self.answers if answer.outcome == "false hit"]

    def summary(self) -> dict[str, Any]:
        """The numbers."""
        groups = {name: self.of(name) for name in GROUPS}
        counted = {
            name: {
                "asked": len(answers),
                "hits": sum(bool(answer.hit) for answer in answers),
                "right": sum(answer.outcome == "right" for answer in answers),
                "p50_milliseconds": round(statistics.median(answer.milliseconds for answer in answers), 4),
            }
            for name, answers in groups.items()
        }
        return {"stored": self.stored, "false_hits": len(self.false_hits), "groups": counted}


async def run_demo(folder: Path) -> Report:
    """Make the shop and the cache in the folder, and put every question of the demo to it."""
    shop, cache_file = folder / "shop.db", folder / "cache.db"
    for file in (shop, cache_file):
        if file.exists():
            raise FileError(f"{file} is there already; name a new or empty folder with --dir")
    make_shop(shop)
    pairs: list[dict[str, str]] = load("pairs.json")
    queries = {pair["question"]: pair["query"] for pair in pairs}
    choice = Choice(collection="demo", backend=DEFAULT_BACKEND, embedder=DEFAULT_EMBEDDER, settings=Settings())
    async with open_apart(choice, cache_file, keep=True) as cache:
        started = time.perf_counter()
        stored = await cache.store_many(
            {"question": question, "generated_query": query} for question, query in queries.items()
        )
        seconds = time.perf_counter() - started
        await cache.wait_until_learned()
        answers = [answer async for answer in _ask_everything(cache, queries)]
    return Report(folder=folder, stored=stored, store_seconds=seconds, answers=answers, rows=_run_some(shop, answers))


async def _ask_everything(cache: Medha, queries: dict[str, str]) -> AsyncIterator[Answer]:
    for group in ("identical", "again"):
        for question, query in queries.items():
            yield await _ask(cache, group, question, about=question, expected=query)
    for other in load("paraphrases.json"):
        yield await _ask(cache, "paraphrase", other["question"], about=other["means"], expected=queries[other["means"]])
    for other in load("other_values.json"):
        yield await _ask(cache, "other values", other["question"], about=other["like"], expected=other["query"])
    for other in load("near_misses.json"):
        yield await _ask(cache, "near miss", other["question"], about=other["resembles"], note=other["differs"])


async def _ask(
    cache: Medha, group: Group, question: str, *, about: str, note: str = "", expected: str | None = None
) -> Answer:
    started = time.perf_counter()
    hit = await cache.search(question)
    milliseconds = (time.perf_counter() - started) * 1000
    return Answer(
        group=group,
        question=question,
        about=about,
        note=note,
        expected=expected,
        hit=hit,
        milliseconds=milliseconds,
    )


def _run_some(shop: Path, answers: Sequence[Answer]) -> list[Rows]:
    """Run what was served for some paraphrases, those with the most rows first, and for some other values."""
    paraphrases = _rows_of(shop, answers, "paraphrase")[: SHOWN_RESULTS - SHOWN_VALUES]
    return [*paraphrases, *_rows_of(shop, answers, "other values")[:SHOWN_VALUES]]


def _rows_of(shop: Path, answers: Sequence[Answer], group: Group) -> list[Rows]:
    found: list[Rows] = []
    for answer in (answer for answer in answers if answer.group == group and answer.hit):
        query = answer.hit.generated_query or ""
        columns, rows = rows_of(shop, query, SHOWN_ROWS)
        found.append(Rows(question=answer.question, query=query, columns=columns, rows=rows))
    return sorted(found, key=lambda rows: -len(rows.rows))
