"""How often is a question answered with the query of another one? Bare cosine rules beside Medha, on real questions.

    falsehit.py PATH ... [--embedder wordllama|minilm|NAME] [--seeds 3] [--limit N] [--rules ours,cosine-0.95] [--json]

A PATH is a JSON Lines file, or a folder of them. A row has ``question``, ``query``, and may have ``accept`` (queries
that are equivalent), ``contested`` (queries over which the annotators themselves disagree), ``template`` and ``scope``
(one database = one scope; a lookup never crosses it). Within one file the questions come in random order, seeded.
A miss stores the true query; a hit stores nothing, right or wrong, since nobody has noticed. A hit is right when its
query is one of those accepted (``same_query.py`` says what may differ); a wrong one that is contested counts as
neither. Rules:

    cosine-0.85+fuzzy  the closest stored question from 0.85 on, else the best edit-distance ratio from 85 on among the
                       ten closest from 0.75 on: what semantic caches do
    cosine-X           the closest stored question from X on
    ours               ``Medha`` with the memory backend and its default settings

Printed, all seeds together: share of questions answered, share answered right, precision with the lower bound of its
95 % Wilson interval, and the same per tier. ``--log FILE`` gets every wrong hit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from questions import (
    Asking,
    RememberingEmbedder,
    embedded_text,
    files_of,
    progress,
    read_questions,
    run_with_embedder,
)
from same_query import is_one_of

from medha import Medha, Settings
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RULES: Final = ("cosine-0.85+fuzzy", "cosine-0.90", "cosine-0.95", "cosine-0.99", "ours")
_FUZZY: Final = "+fuzzy"


@dataclass(frozen=True, slots=True)
class Served:
    """A query that a rule served, the tier it came from, and the question it was stored for."""

    query: str
    tier: str
    stored_for: str | None = None


class Rule(Protocol):
    """A cache under test."""

    async def search(self, asking: Asking) -> Served | None: ...
    async def store(self, asking: Asking) -> None: ...
    async def close(self) -> None: ...


class CosineRule:
    """The closest stored question from a threshold on; with ``fuzzy``, edit distance after that."""

    def __init__(self, threshold: float, embedder: RememberingEmbedder, *, fuzzy: bool) -> None:
        self._threshold, self._embedder, self._fuzzy = threshold, embedder, fuzzy
        self._stored: defaultdict[str, list[Asking]] = defaultdict(list)
        self._rows: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = {}

    async def search(self, asking: Asking) -> Served | None:
        stored = self._stored[asking.scope]
        if not stored:
            return None
        vector = self._embedder.row(embedded_text(asking.question))
        similarities = self._rows[asking.scope][: len(stored)] @ vector
        best = int(np.argmax(similarities))
        if similarities[best] >= self._threshold:
            return Served(stored[best].query, "cosine", stored[best].question)
        return self._by_edit_distance(asking, stored, similarities) if self._fuzzy else None

    @staticmethod
    def _by_edit_distance(asking: Asking, stored: Sequence[Asking], similarities: Any) -> Served | None:
        from rapidfuzz import fuzz

        closest = [place for place in map(int, np.argsort(-similarities)[:10]) if similarities[place] >= 0.75]
        asked = asking.question.lower()
        ratios = [(fuzz.ratio(asked, stored[place].question.lower()), place) for place in closest]
        ratio, place = max(ratios, default=(0.0, 0))
        return Served(stored[place].query, "fuzzy", stored[place].question) if ratio >= 85 else None

    async def store(self, asking: Asking) -> None:
        stored = self._stored[asking.scope]
        rows = self._rows.get(asking.scope)
        if rows is None or len(rows) == len(stored):
            grown = np.empty((max(64, 2 * len(stored)), self._embedder.dimension), dtype=np.float32)
            grown[: len(stored)] = rows if rows is not None else 0
            rows = self._rows[asking.scope] = grown
        rows[len(stored)] = self._embedder.row(embedded_text(asking.question))
        stored.append(asking)

    async def close(self) -> None:
        self._stored.clear()


class MedhaRule:
    """The real thing: one cache a scope, on the memory backend."""

    def __init__(self, embedder: RememberingEmbedder, settings: Settings | None = None) -> None:
        self._embedder, self._settings = embedder, settings
        self._backend = MemoryBackend()
        self._caches: dict[str, Medha] = {}

    async def _cache(self, scope: str) -> Medha:
        if scope not in self._caches:
            cache = Medha(f"questions {scope}", self._embedder, self._backend, self._settings)
            await cache.start()
            self._caches[scope] = cache
        return self._caches[scope]

    async def search(self, asking: Asking) -> Served | None:
        hit = await (await self._cache(asking.scope)).search(asking.question)
        return Served(hit.generated_query or "", str(hit.strategy), hit.matched_question) if hit else None

    async def store(self, asking: Asking) -> None:
        await (await self._cache(asking.scope)).store(asking.question, asking.query)

    async def close(self) -> None:
        for cache in self._caches.values():
            await cache.close()
        await self._backend.close()


@dataclass(slots=True)
class Count:
    """What a rule did: with how many questions, and of which kind its hits were."""

    asked: int = 0
    hits: Counter[str] = field(default_factory=Counter[str])
    right: Counter[str] = field(default_factory=Counter[str])
    contested: Counter[str] = field(default_factory=Counter[str])
    seconds: float = 0.0

    def line(self, tier: str | None = None) -> dict[str, Any]:
        """The numbers, of one tier or of all."""
        tiers = list(self.hits) if tier is None else [tier]
        hits, right, contested = (sum(c[t] for t in tiers) for c in (self.hits, self.right, self.contested))
        judged = hits - contested
        return {
            "hits": hits,
            "right": right,
            "contested": contested,
            "wrong": judged - right,
            "hit_rate": hits / self.asked if self.asked else 0.0,
            "correct_rate": right / self.asked if self.asked else 0.0,
            "precision": right / judged if judged else None,
            "precision_at_least": wilson_lower(right, judged) if judged else None,
        }


def wilson_lower(good: int, total: int, z: float = 1.96) -> float:
    """The lower end of the 95 % Wilson interval of a share."""
    share, square = good / total, z * z
    spread = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (share + square / (2 * total) - spread) / (1 + square / total)


def rule_of(name: str, embedder: RememberingEmbedder) -> Rule:
    """The rule of this name; ``SystemExit`` when there is none."""
    if name == "ours":
        return MedhaRule(embedder)
    kind, _, threshold = name.removesuffix(_FUZZY).partition("-")
    try:
        if kind == "cosine":
            return CosineRule(float(threshold), embedder, fuzzy=name.endswith(_FUZZY))
    except ValueError:
        pass
    raise SystemExit(f"there is no rule {name!r}; they are {', '.join(RULES)}, and cosine-X with any X")


async def stream(
    rule: Rule, order: Sequence[Asking], count: Count, wrong: Callable[[Asking, Served], object], what: str
) -> None:
    """Ask one question after the other, and count."""
    show = progress(what)
    for number, asking in enumerate(order, start=1):
        started = time.perf_counter()
        served = await rule.search(asking)
        count.seconds += time.perf_counter() - started
        count.asked += 1
        if served is None:
            await rule.store(asking)
        else:
            count.hits[served.tier] += 1
            if is_one_of(served.query, asking.accepted):
                count.right[served.tier] += 1
            elif asking.contested and is_one_of(served.query, asking.contested):
                count.contested[served.tier] += 1
            else:
                wrong(asking, served)
        if number % 50 == 0 or number == len(order):
            show(number, len(order))


def orders(rows: Sequence[Asking], seeds: int, limit: int | None) -> list[list[Asking]]:
    """The questions in as many random orders as there are seeds."""
    return [random.Random(seed).sample(rows, len(rows))[:limit] for seed in range(seeds)]


def table(name: str, results: dict[str, Count]) -> str:
    """The numbers of one file as a Markdown table."""
    lines = [
        f"\n### {name}: {next(iter(results.values())).asked:,} lookups\n",
        "| rule | answered | right | wrong | contested | precision | at least | ms a lookup |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rule, count in results.items():
        tiers = [None, *sorted(count.hits)] if len(count.hits) > 1 else [None]
        for tier in tiers:
            line = count.line(tier)
            cells = [
                rule if tier is None else f"· {tier}",
                f"{line['hit_rate']:.1%}",
                f"{line['correct_rate']:.1%}",
                str(line["wrong"]),
                str(line["contested"]),
                "" if line["precision"] is None else f"{line['precision']:.2%}",
                "" if line["precision"] is None else f"{line['precision_at_least']:.2%}",
                f"{count.seconds / count.asked * 1000:.2f}" if tier is None else "",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


async def measure(options: argparse.Namespace, embedder: RememberingEmbedder) -> None:
    log = options.log.open("w", encoding="utf-8") if options.log else None
    for file in files_of(options.paths):
        rows = read_questions(file)
        every = orders(rows, options.seeds, options.limit)
        texts = [embedded_text(asking.question) for asking in rows]
        await embedder.prepare(texts, progress(f"{file.stem}, embedding"))
        results: dict[str, Count] = {}
        for name in options.rules.split(","):
            count = results[name] = Count()

            def wrong(asking: Asking, served: Served, rule: str = name, data: str = file.stem) -> None:
                if log is not None:
                    row = {"data": data, "rule": rule, "tier": served.tier, "asked": asking.question}
                    row |= {"stored_for": served.stored_for, "served": served.query, "true": asking.query}
                    log.write(json.dumps(row, ensure_ascii=False) + "\n")

            for seed, order in enumerate(every):
                rule = rule_of(name, embedder)
                try:
                    await stream(rule, order, count, wrong, f"{file.stem}, {name}, seed {seed}")
                finally:
                    await rule.close()
            if options.json:
                tiers = {tier: count.line(tier) for tier in sorted(count.hits)}
                head = {"data": file.stem, "embedder": embedder.model_name, "rule": name, "seeds": options.seeds}
                print(json.dumps({**head, "asked": count.asked, **count.line(), "tiers": tiers}), flush=True)
        if not options.json:
            print(table(f"{file.stem}, {embedder.model_name}", results), flush=True)
    if log is not None:
        await asyncio.to_thread(log.close)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--embedder", default="wordllama", help="an embedder plugin, or minilm")
    parser.add_argument("--fastembed-folder", type=Path, help="a folder with all-MiniLM-L6-v2, for minilm")
    parser.add_argument("--rules", default=",".join(RULES))
    parser.add_argument("--seeds", type=int, default=3, help="how many random orders")
    parser.add_argument("--limit", type=int, help="only so many questions of each order")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each file and rule")
    parser.add_argument("--log", type=Path, help="a file for the wrong hits, one line of JSON each")
    options = parser.parse_args()
    run_with_embedder(options.embedder, options.fastembed_folder, lambda embedder: measure(options, embedder))


if __name__ == "__main__":
    main()
