"""Embeddings as core uses them: checked, remembered, asked for once."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from medha.deadline import within
from medha.errors import (
    EmbedderError,
    EmbedderOutputError,
    EmbedderTimeoutError,
)
from medha.identity import digest
from medha.models import CollectionSpec
from medha.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from pathlib import Path

    from medha.embedder import BaseEmbedder, EmbeddingUsage
    from medha.models import Vector, Vectors
    from medha.settings import Settings

T = TypeVar("T")

_BULK: Final = 32

_log = logging.getLogger(__name__)


class Embeddings:
    """An embedder with a memory of the latest vectors, keyed by side and text.

    Texts are embedded in their canonical form with the case folded, so that ``BOB`` and ``bob`` propose the same
    candidates; whether they are the same question is for the identity and the guards to say.
    """

    def __init__(self, embedder: BaseEmbedder, settings: Settings) -> None:
        self._embedder = embedder
        self._timeout = settings.embedding_timeout
        self._batch_size = settings.batch_size
        self._concurrency = settings.batch_embed_concurrency
        self._size = settings.embedding_cache_size
        self._path = settings.embedding_cache_path if self._size else None
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._flights: SingleFlight[Vector] = SingleFlight(share_failure=True)

    @property
    def spec(self) -> CollectionSpec:
        """The model and dimension, known once started."""
        try:
            dimension, model_name = self._embedder.dimension, self._embedder.model_name
        except Exception as exc:
            raise EmbedderError(
                f"{type(self._embedder).__name__} does not say its dimension and model_name after connect: {exc}"
            ) from exc
        if type(dimension) is not int or dimension < 1 or not isinstance(model_name, str) or not model_name.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise EmbedderOutputError(
                f"{type(self._embedder).__name__} has dimension {dimension!r} and model_name {model_name!r}; "
                "expected a positive int and a str that names the model"
            )
        return CollectionSpec(dimension=dimension, model_name=model_name)

    @property
    def usage(self) -> EmbeddingUsage | None:
        """What the embedder was asked for, where that is billed."""
        return self._embedder.usage

    async def start(self) -> None:
        """Prepare the embedder, and read the file of remembered embeddings."""
        await self._call("get ready", self._embedder.connect())
        if self._path is not None:
            await self._load(self._path)

    async def save(self) -> None:
        """Write the remembered embeddings to their file, if they have one."""
        if self._path is not None:
            from medha import embedding_file

            await asyncio.to_thread(embedding_file.save, self._path, self.spec, dict(self._known))

    def clear(self) -> None:
        """Forget every embedding in memory."""
        self._known.clear()

    async def of_question(self, normalized: str, *, remember: bool = True) -> Vector:
        """The unit vector of an asked question.

        Raises:
            EmbedderError: it failed, took too long, or returned something that is not a vector.
        """
        key = self._key(normalized, is_document=False)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        vector = await self._flights.run(key, lambda: self._embed_one(normalized.casefold()))
        if remember:
            self._remember(key, vector)
        return vector

    async def at_hand(self, normalized: str, *, remember: bool = True) -> Vector | None:
        """The same where no call over the network is needed for it, else ``None``."""
        if self._embedder.remote:
            return self._known.get(self._key(normalized, is_document=False))
        return await self.of_question(normalized, remember=remember)

    async def of_many(self, normalized: Sequence[str], *, is_document: bool) -> Vectors:
        """Unit rows for many texts, in order: those not remembered are embedded in as few calls as possible."""
        import numpy as np

        if is_document and len(normalized) > _BULK and self._path is None and not self._known:
            return await self._embed_all([text.casefold() for text in normalized], is_document=True)
        keys = [self._key(text, is_document=is_document) for text in normalized]
        # taken now: while the others are embedded it may be forgotten
        known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: text.casefold() for key, text in zip(keys, normalized, strict=True) if key not in known}
        fresh = await self._embed_all(list(new.values()), is_document=is_document)
        place = {key: row for row, key in enumerate(new)}
        if len(new) == len(keys):
            rows = fresh
        else:
            rows = np.stack([fresh[place[key]] if key in place else known[key] for key in keys])
        # a bulk write does not push out what people ask, unless a file keeps the embeddings for the next one
        if not is_document or len(new) <= _BULK or self._path is not None:
            for key in list(new)[-self._size :] if self._size else ():
                self._remember(key, fresh[place[key]].copy())
        return rows

    def _key(self, normalized: str, *, is_document: bool) -> str:
        side = "d" if is_document and self._embedder.asymmetric else "q"
        return side + digest(normalized.casefold())

    def _remember(self, key: str, vector: Vector) -> None:
        if self._size:
            self._known[key] = vector
            while len(self._known) > self._size:
                self._known.popitem(last=False)

    async def _embed_one(self, text: str) -> Vector:
        vector = await self._call("embed one question", self._embedder.aembed(text))
        return self._checked([vector], 1)[0]

    async def _embed_all(self, texts: Sequence[str], *, is_document: bool) -> Vectors:
        import numpy as np

        slots = asyncio.Semaphore(self._concurrency)

        async def embed(chunk: Sequence[str]) -> Vectors:
            async with slots:
                what = f"embed {len(chunk)} texts"
                vectors = await self._call(what, self._embedder.aembed_batch(chunk, is_document=is_document))
                return self._checked(vectors, len(chunk))

        chunks = [texts[i : i + self._batch_size] for i in range(0, len(texts), self._batch_size)]
        if len(chunks) == 1:
            return await embed(chunks[0])
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed(chunk)) for chunk in chunks]
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            raise first from first.__cause__
        return np.concatenate([np.empty((0, self.spec.dimension), np.float32), *(task.result() for task in tasks)])

    def _checked(self, vectors: Any, count: int) -> Vectors:
        from medha.vectors import unit_rows

        what = f"what {self._embedder.model_name!r} returned for {count} texts"
        return unit_rows(vectors, count=count, dimension=self._embedder.dimension, what=what, error=EmbedderOutputError)

    async def _call(self, what: str, call: Awaitable[T]) -> T:
        name = type(self._embedder).__name__
        return await within(
            self._timeout,
            call,
            late=lambda: EmbedderTimeoutError(
                f"{name} did not {what} within {self._timeout} s; raise MEDHA_EMBEDDING_TIMEOUT or use a faster model"
            ),
            failed=lambda why: EmbedderError(f"{name} failed to {what}: {why}"),
        )

    async def _load(self, path: Path) -> None:
        from medha import embedding_file

        try:
            vectors = await asyncio.to_thread(embedding_file.load, path, self.spec)
        except embedding_file.UnusableFileError as exc:
            _log.warning("the remembered embeddings in %s are not used: %s", path, exc)
            return
        for key, vector in vectors.items():
            self._remember(key, vector)
