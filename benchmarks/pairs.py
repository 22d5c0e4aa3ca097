"""Hand-written pairs through the real cache: near misses must be rejected, paraphrases should be accepted.

    pairs.py [--embedder wordllama|minilm|NAME] [--fastembed-folder DIR] [--plot FILE.png] [--json] [--show]

Each pair is asked three times, with no entry but those that are named:

    default   its stored question alone, under the default settings
    open      its stored question alone, with every threshold at its lowest: only the guards decide
    together  all stored questions of the file in one scope, with every threshold at its lowest

Printed per kind: near misses rejected, and by which guard; paraphrases accepted. The exit code is 1 when a near miss is
served. ``--plot`` draws both (needs the dependency group ``bench``); ``--show`` prints what was served wrongly, and the
paraphrases that were refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from questions import progress, run_with_embedder
from same_query import canonical

from medha import Medha, Settings
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from questions import RememberingEmbedder

    from medha import CacheHit, Decision

FOLDER: Final = Path(__file__).with_name("pairs")
OPEN: Final = {
    "score_threshold_semantic": -1.0,
    "score_threshold_fuzzy_prefilter": -1.0,
    "score_threshold_fuzzy": 0.0,
    "l1_cache_max_size": 0,
}
WAYS: Final = {"default": Settings(l1_cache_max_size=0), "open": Settings(**OPEN), "together": Settings(**OPEN)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A stored question with its query, and the question that is asked."""

    kind: str
    stored: str
    asked: str
    query: str
    language: str
    why: str = ""
    true: str = ""
    """The query of the asked question, where the stored one gives it with other values."""


@dataclass(slots=True)
class Tally:
    """What became of the pairs of one kind."""

    pairs: int = 0
    served: Counter[str] = field(default_factory=Counter[str])
    rebound: Counter[str] = field(default_factory=Counter[str])
    rejected_by: Counter[str] = field(default_factory=Counter[str])


def read_pairs(name: str) -> list[Pair]:
    """The pairs of a file of this folder."""
    with (FOLDER / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [Pair(**json.loads(line)) for line in lines]


async def ask_all(
    pairs: Sequence[Pair], embedder: RememberingEmbedder, way: str, *, together: bool
) -> list[tuple[CacheHit, Decision]]:
    """The answer to every asked question, and how it was decided."""
    backend = MemoryBackend()
    answers: list[tuple[CacheHit, Decision]] = []
    show = progress(f"{len(pairs)} pairs, {way}")
    try:
        async with Medha("pairs", embedder, backend, WAYS[way]) as cache:
            scopes = [{} if together else {"pair": number} for number in range(len(pairs))]
            await cache.store_many(
                {"question": pair.stored, "generated_query": pair.query, "metadata": scope}
                for pair, scope in zip(pairs, scopes, strict=True)
            )
            await cache.wait_until_learned()
            for number, (pair, scope) in enumerate(zip(pairs, scopes, strict=True), start=1):
                hit = await cache.search(pair.asked, filters=scope)
                answers.append((hit, await cache.explain(pair.asked, filters=scope)))
                show(number, len(pairs))
    finally:
        await backend.close()
    return answers


def rejecting_guard(decision: Decision, stored: str) -> str:
    """The first guard that rejected the stored question."""
    for candidate in decision.candidates:
        if candidate.question == stored:
            for given in candidate.verdicts:
                if not given.verdict.accepted:
                    return given.guard
    return "no guard"


async def tally(name: str, embedder: RememberingEmbedder) -> tuple[dict[str, Tally], list[tuple[str, Pair, CacheHit]]]:
    """What became of each kind, and the pairs that were served, with the way.

    A stored query with the values of the question is no wrong answer to a near miss, but its own.
    """
    pairs = read_pairs(name)
    kinds: defaultdict[str, Tally] = defaultdict(Tally)
    served: list[tuple[str, Pair, CacheHit]] = []
    for pair in pairs:
        kinds[pair.kind].pairs += 1
    for way in WAYS:
        answers = await ask_all(pairs, embedder, way, together=way == "together")
        for pair, (hit, decision) in zip(pairs, answers, strict=True):
            if hit and pair.true and canonical(hit.generated_query or "") == canonical(pair.true):
                kinds[pair.kind].rebound[way] += 1
            elif hit:
                kinds[pair.kind].served[way] += 1
                served.append((way, pair, hit))
            elif way == "open":
                kinds[pair.kind].rejected_by[rejecting_guard(decision, pair.stored)] += 1
    return dict(kinds), served


def near_miss_table(kinds: dict[str, Tally]) -> str:
    """Rejections by kind, as Markdown."""
    lines = [
        "| kind | near misses | served, default | open | together | own query | rejected by |",
        "| --- |" + " ---: |" * 5 + " --- |",
    ]
    for kind, each in kinds.items():
        guards = ", ".join(f"{guard} {count}" for guard, count in each.rejected_by.most_common())
        served = " | ".join(str(each.served[way]) for way in WAYS)
        rebound = each.rebound["default"]
        lines.append(f"| {kind.replace('_', ' ')} | {each.pairs} | {served} | {rebound} | {guards} |")
    total = " | ".join(str(sum(each.served[way] for each in kinds.values())) for way in WAYS)
    rebound_in_all = sum(each.rebound["default"] for each in kinds.values())
    lines.append(f"| **all** | {sum(each.pairs for each in kinds.values())} | {total} | {rebound_in_all} | |")
    return "\n".join(lines)


def paraphrase_table(kinds: dict[str, Tally]) -> str:
    """Acceptance by kind, as Markdown."""
    lines = ["| kind | paraphrases | accepted, default | open | together |", "| --- |" + " ---: |" * 4]
    for kind, each in kinds.items():
        shares = " | ".join(f"{each.served[way] / each.pairs:.0%}" for way in WAYS)
        lines.append(f"| {kind.replace('_', ' ')} | {each.pairs} | {shares} |")
    pairs = sum(each.pairs for each in kinds.values())
    total = " | ".join(f"{sum(each.served[way] for each in kinds.values()) / pairs:.0%}" for way in WAYS)
    lines.append(f"| **all** | {pairs} | {total} |")
    return "\n".join(lines)


def plot(file: Path, near: dict[str, Tally], same: dict[str, Tally], model: str) -> None:
    """Both as bars: near misses rejected, paraphrases accepted under the default settings."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure: Any
    axes: Any
    figure, axes = plt.subplots(1, 2, figsize=(11, 5.5), layout="constrained")
    rejected = {kind: 1 - each.served["open"] / each.pairs for kind, each in near.items()}
    accepted = {kind: each.served["default"] / each.pairs for kind, each in same.items()}
    halves = (
        ("Near misses rejected, only guards deciding", near, rejected),
        ("Paraphrases accepted, default settings", same, accepted),
    )
    for axis, (title, kinds, shares) in zip(axes, halves, strict=True):
        names = [f"{kind.replace('_', ' ')} ({kinds[kind].pairs})" for kind in shares]
        values = [100 * share for share in shares.values()]
        bars = axis.barh(names, values, color="#2b6cb0")
        axis.bar_label(bars, fmt="%.0f %%", padding=3)
        axis.set(title=title, xlim=(0, 115), xlabel="percent")
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Hand-written pairs through the cache, {model}")
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)


async def measure(options: argparse.Namespace, embedder: RememberingEmbedder) -> int:
    near, wrongly = await tally("near_misses", embedder)
    same, rightly = await tally("paraphrases", embedder)
    wrongly += [row for row in rightly if canonical(row[2].generated_query or "") != canonical(row[1].query)]
    if options.json:
        document: dict[str, Any] = {"embedder": embedder.model_name, "near_misses": near, "paraphrases": same}
        print(json.dumps(document, default=asdict))
    else:
        print(f"{embedder.model_name}\n\n{near_miss_table(near)}\n\n{paraphrase_table(same)}")
    if options.plot:
        plot(options.plot, near, same, embedder.model_name)
    for way, pair, hit in wrongly:
        print(
            f"SERVED WRONGLY ({way}, {pair.kind}): {pair.asked!r} <- {hit.matched_question!r}; {pair.why}; {hit.reason}"
        )
    if options.show:
        accepted = {(pair.stored, pair.asked) for way, pair, _ in rightly if way == "open"}
        for pair in read_pairs("paraphrases"):
            if (pair.stored, pair.asked) not in accepted:
                print(f"refused ({pair.kind}): {pair.stored!r} / {pair.asked!r}")
    return 1 if wrongly else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="wordllama", help="an embedder plugin, or minilm")
    parser.add_argument("--fastembed-folder", type=Path, help="a folder with all-MiniLM-L6-v2, for minilm")
    parser.add_argument("--plot", type=Path, help="a PNG file to draw")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", action="store_true", help="print the paraphrases that the guards refuse")
    options = parser.parse_args()
    sys.exit(run_with_embedder(options.embedder, options.fastembed_folder, lambda embedder: measure(options, embedder)))


if __name__ == "__main__":
    main()
