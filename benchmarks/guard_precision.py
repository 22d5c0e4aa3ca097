"""How often do the guards let another question's query pass? Measured on real questions with their true queries.

    guard_precision.py DIRECTORY [--sample N] [--show wrong|lost] [--seed S]

DIRECTORY holds ``*.jsonl`` files with the fields question, query, accept, contested, scope. Within one scope every
question meets its ten nearest neighbours (cosine under wordllama, 0.75 and above). A pair is right when the stored
query is one of those accepted for the asked question; pairs over which the annotators themselves disagree are set
aside. Printed per file, for cosine rules alone and with the guards: pairs served, how many are right, the precision
with its 95 % Wilson bound, and the share of right pairs that are served at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medha.guards import builtin_guards
from medha.models import CacheEntry, Candidate, Question
from medha.normalize import normalize
from medha_wordllama import WordLlamaEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha.guard import Guard
    from medha.models import Vectors

NEIGHBOURS, LOWEST = 10, 0.75


@dataclass(frozen=True, slots=True)
class Row:
    text: Question
    query: str
    accepted: frozenset[str]
    contested: frozenset[str]
    scope: str


@dataclass(frozen=True, slots=True)
class Pair:
    asked: Row
    stored: Row
    similarity: float

    @property
    def right(self) -> bool:
        return self.stored.query in self.asked.accepted

    @property
    def contested(self) -> bool:
        return not self.right and self.stored.query in self.asked.contested


def canonical(query: str) -> str:
    """Case outside quotes, white space and a trailing semicolon do not make another query."""
    parts = query.replace('"', "'").split("'")
    parts[::2] = ["".join(part.lower().split()) for part in parts[::2]]
    return "'".join(parts).rstrip("; ")


def rows_of(path: Path, sample: int, seed: int) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    if len(found) > sample:
        scopes = sorted({row["scope"] for row in found})
        random.Random(seed).shuffle(scopes)
        if len(scopes) > 1:
            ordered = sorted(found, key=lambda row: scopes.index(row["scope"]))
            found = ordered[:sample]
        else:
            found = random.Random(seed).sample(found, sample)
    return [
        Row(
            Question(row["question"], normalize(row["question"])),
            canonical(row["query"]),
            frozenset(canonical(query) for query in [row["query"], *row["accept"]]),
            frozenset(canonical(query) for query in row["contested"]),
            row["scope"],
        )
        for row in found
    ]


async def embed(texts: list[str]) -> Vectors:
    embedder = WordLlamaEmbedder()
    await embedder.connect()
    try:
        vectors = np.asarray(await embedder.aembed_batch(texts), dtype=np.float32)
    finally:
        await embedder.close()
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def neighbours(rows: list[Row]) -> Iterator[Pair]:
    """Each question with its nearest others; one and the same wording is left out, an exact match needs no guard."""
    different = list({(row.scope, row.text.normalized): row for row in rows}.values())
    embedded = asyncio.run(embed([row.text.normalized for row in different]))
    for scope in sorted({row.scope for row in different}):
        places = [place for place, row in enumerate(different) if row.scope == scope]
        group, vectors = [different[place] for place in places], embedded[places]
        for index, row in enumerate(group):
            similarities = vectors @ vectors[index]
            similarities[index] = -1.0
            for other in np.argsort(-similarities)[:NEIGHBOURS]:
                if similarities[other] >= LOWEST:
                    yield Pair(row, group[int(other)], float(similarities[other]))


def candidate_of(pair: Pair) -> Candidate:
    stored = pair.stored
    entry = CacheEntry(
        id="stored",
        question=stored.text.text,
        normalized_question=stored.text.normalized,
        generated_query=stored.query,
        query_hash="",
        created_at=0.0,
    )
    return Candidate(entry=entry, question=stored.text, similarity=pair.similarity, now=0.0)


def passes(pair: Pair, guards: list[Guard]) -> bool:
    candidate = candidate_of(pair)
    return all(guard.verify(pair.asked.text, candidate).accepted for guard in guards)


def wilson_low(good: int, total: int, z: float = 1.96) -> float:
    if not total:
        return 0.0
    share = good / total
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (share + z * z / (2 * total) - spread) / (1 + z * z / total)


def line(name: str, served: list[Pair], right_in_all: int) -> str:
    contested = sum(pair.contested for pair in served)
    total, good = len(served) - contested, sum(pair.right for pair in served)
    precision = good / total if total else 0.0
    recall = good / right_in_all if right_in_all else 0.0
    return (
        f"  {name:16} served {len(served):6}  right {good:6}  contested {contested:4}  "
        f"precision {precision:7.2%} (at least {wilson_low(good, total):7.2%})  of the right {recall:6.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--sample", type=int, default=3000, help="questions taken of a larger file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", choices=["wrong", "lost"], help="print pairs served wrongly, or right ones refused")
    options = parser.parse_args()

    guards = builtin_guards()
    for path in sorted(options.directory.glob("*.jsonl")):
        pairs = list(neighbours(rows_of(path, options.sample, options.seed)))
        right = sum(pair.right for pair in pairs)
        print(f"{path.stem}: {len(pairs)} pairs of neighbours, {right} with the same query")
        guarded = [pair for pair in pairs if passes(pair, guards)]
        for threshold in (LOWEST, 0.9, 0.95):
            close = [pair for pair in pairs if pair.similarity >= threshold]
            print(line(f"cosine {threshold}", close, right))
            print(line("  and guards", [pair for pair in guarded if pair.similarity >= threshold], right))
        if options.show == "wrong":
            shown = [pair for pair in guarded if not pair.right and not pair.contested]
        else:
            kept = {id(pair) for pair in guarded}
            lost = [pair for pair in pairs if pair.right and id(pair) not in kept] if options.show else []
            shown = random.Random(options.seed).sample(lost, min(40, len(lost)))
        for pair in shown:
            print(f"    {pair.asked.text.text!r}\n    {pair.stored.text.text!r}")
            for guard in guards:
                verdict = guard.verify(pair.asked.text, candidate_of(pair))
                if not verdict.accepted:
                    print(f"        {guard.name}: {verdict.reason}")


if __name__ == "__main__":
    main()
