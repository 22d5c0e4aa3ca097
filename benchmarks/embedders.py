"""What an embedder costs beside a bare call of its library: microseconds per text, medians of one run.

    python packages/medha-fastembed/tests/minilm.py FOLDER
    python benchmarks/embedders.py --fastembed-folder FOLDER

Without the folder, which holds all-MiniLM-L6-v2, only wordllama is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medha_fastembed import FastEmbedSettings, make_embedder
from medha_wordllama import WordLlamaEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha import BaseEmbedder

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
QUESTIONS = [f"How many tracks of genre {n} did customers in Germany buy last year?" for n in range(500)]


def bare_wordllama() -> Callable[[list[str]], Any]:
    import wordllama  # pyright: ignore[reportMissingTypeStubs]

    model: Any = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    return model.embed


def bare_fastembed(folder: Path) -> Callable[[list[str]], Any]:
    from fastembed import TextEmbedding

    model = TextEmbedding(MINILM, specific_model_path=str(folder))
    return lambda texts: list(model.embed(texts))


async def measure(
    name: str, embedder: BaseEmbedder, load_bare: Callable[[], Callable[[list[str]], Any]], seconds: float
) -> None:
    """Print one line per batch size; the two sides take turns, so that a busy machine slows both."""
    await embedder.connect()
    started = time.perf_counter()
    await embedder.aembed("load the model")
    print(f"{name}: first embedding after {(time.perf_counter() - started) * 1000:.0f} ms, {embedder.model_name}")
    bare = load_bare()
    for count in (1, 10, len(QUESTIONS)):
        texts = QUESTIONS[:count]
        bare(texts)
        ours, theirs = list[float](), list[float]()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or len(ours) < 3:
            begun = time.perf_counter()
            await embedder.aembed_batch(texts)
            between = time.perf_counter()
            bare(texts)
            ours.append(between - begun)
            theirs.append(time.perf_counter() - between)
        mine, other = (statistics.median(times) / count * 1e6 for times in (ours, theirs))
        print(f"  {count:4} texts: {mine:9.1f} us/text, bare {other:9.1f} us/text, ratio {mine / other:.2f}")
    await embedder.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fastembed-folder", type=Path, help="a folder with all-MiniLM-L6-v2")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each line is measured")
    options = parser.parse_args()
    folder: Path | None = options.fastembed_folder
    await measure("wordllama", WordLlamaEmbedder(), bare_wordllama, options.seconds)
    if folder is not None:
        embedder = make_embedder(FastEmbedSettings(model=MINILM, model_path=folder))
        await measure("fastembed", embedder, lambda: bare_fastembed(folder), options.seconds)


asyncio.run(main())
