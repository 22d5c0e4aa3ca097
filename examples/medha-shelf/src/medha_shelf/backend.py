import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from medha import Match, Page, VectorStorageBackend, Where
from medha.atomic import atomic_writer
from medha.errors import BackendUnavailableError, CollectionMismatchError, CollectionNotFoundError
from medha.memory import mismatch_message, not_found_message
from medha_shelf.errors import translated
from medha_shelf.plugin import CAPABILITIES
from medha_shelf.schema import Shelf, file_name, from_bytes, to_bytes
from medha_shelf.settings import ShelfSettings

T = TypeVar("T")


class ShelfBackend(VectorStorageBackend):
    """A JSON file for each collection, replaced whole at each write."""

    capabilities = CAPABILITIES

    def __init__(self, settings: ShelfSettings) -> None:
        self._folder = settings.folder
        self._thread: ThreadPoolExecutor | None = None
        self._shelves: dict[str, Shelf] = {}

    async def connect(self):
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1)
        await self._run(f"opening {self._folder}", lambda: self._folder.mkdir(parents=True, exist_ok=True))

    async def close(self):
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)
            self._shelves = {}

    async def initialize(self, collection, spec):
        def work():
            path = self._folder / file_name(collection)
            shelf = self._shelves.get(collection) or (from_bytes(path.read_bytes()) if path.exists() else None)
            if shelf is None:
                self._replace(collection, Shelf(spec, {}))
            elif shelf.spec != spec:
                raise CollectionMismatchError(mismatch_message(collection, shelf.spec, spec))
            else:
                self._shelves[collection] = shelf

        await self._run(f"opening the collection {collection!r}", work)

    async def drop_collection(self, collection):
        def work():
            self._shelves.pop(collection, None)
            (self._folder / file_name(collection)).unlink(missing_ok=True)

        await self._run(f"dropping the collection {collection!r}", work)

    async def upsert(self, collection, entries):
        def work():
            # the caller keeps its arrays, and nobody can write to ours
            kept = [replace(entry, vector=np.frombuffer(entry.vector.tobytes(), np.float32)) for entry in entries]
            self._change(collection, {**self._entries(collection), **{entry.id: entry for entry in kept}})

        await self._run(f"storing {len(entries)} entries in {collection!r}", work)

    async def get(self, collection, ids):
        def work():
            entries = self._entries(collection)
            return [entries[entry_id] for entry_id in ids if entry_id in entries]

        return await self._run(f"getting entries of {collection!r}", work)

    async def search(self, collection, vector, *, limit, min_similarity, where, now):
        def work():
            found = [entry for entry in self._matching(collection, where) if not entry.expired(now)]
            if not found:
                return []
            similarities = np.clip(np.stack([entry.vector for entry in found]) @ vector, -1.0, 1.0)
            closest = np.argsort(-similarities, kind="stable")[:limit]
            return [Match(found[n], float(similarities[n])) for n in closest if similarities[n] >= min_similarity]

        return await self._run(f"searching {collection!r}", work)

    async def scroll(self, collection, *, where=None, limit=500, cursor=None, with_vectors=False):
        def work():
            rest = [entry for entry in self._matching(collection, where) if cursor is None or entry.id > cursor]
            page = sorted(rest, key=lambda entry: entry.id)[:limit]
            return Page(page, page[-1].id if len(rest) > limit else None)

        return await self._run(f"reading {collection!r}", work)

    async def count(self, collection, *, where=None):
        return await self._run(f"counting {collection!r}", lambda: len(self._matching(collection, where)))

    async def delete(self, collection, *, where):
        def work():
            gone = {entry.id for entry in self._matching(collection, where)}
            if gone:
                entries = self._entries(collection)
                self._change(collection, {key: entry for key, entry in entries.items() if key not in gone})
            return len(gone)

        return await self._run(f"deleting from {collection!r}", work)

    async def add_feedback(self, collection, entry_id, *, correct=0, incorrect=0):
        def work():
            entries = self._entries(collection)
            if entry_id not in entries:
                return None
            old = entries[entry_id]
            counters = old.feedback_correct + correct, old.feedback_incorrect + incorrect
            new = replace(old, feedback_correct=counters[0], feedback_incorrect=counters[1])
            self._change(collection, {**entries, entry_id: new})
            return counters

        return await self._run(f"counting feedback in {collection!r}", work)

    def _entries(self, collection):
        if collection not in self._shelves:
            raise CollectionNotFoundError(not_found_message(collection))
        return self._shelves[collection].entries

    def _matching(self, collection, where: Where | None):
        return [entry for entry in self._entries(collection).values() if where is None or where.matches(entry)]

    def _change(self, collection, entries):
        self._replace(collection, Shelf(self._shelves[collection].spec, entries))

    def _replace(self, collection, shelf: Shelf):
        with atomic_writer(self._folder / file_name(collection)) as file:
            file.write(to_bytes(shelf))
        self._shelves[collection] = shelf

    async def _run(self, doing: str, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise BackendUnavailableError(f"{doing}: the backend is not connected; call connect() first")

        def translating():
            with translated(doing):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, translating)
