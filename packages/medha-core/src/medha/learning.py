"""Learning from the entries of a collection: from those that it holds, then from each that is stored or removed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.errors import MedhaError
from medha.identity import query_hash, scope_key
from medha.learned.catalog import read_values
from medha.learned.knowledge import Knowledge
from medha.learned.lesson import lesson_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from medha.learned.knowledge import Learned
    from medha.learned.lesson import Known, Lesson
    from medha.models import CacheEntry, Metadata
    from medha.removals import Removals
    from medha.settings import Settings
    from medha.stats import StatsRecorder
    from medha.storage import Storage

_log = logging.getLogger(__name__)

_CHUNK: Final = 64
"""Queries that are parsed in a thread at a time."""
_SLICE: Final = 4
"""Lessons that are learnt before others get the event loop."""
_AT_ONCE: Final = 16
"""A write of so many entries waits until they are learnt; a larger one does not."""


class _Entry(NamedTuple):
    """What is needed of an entry to learn from it."""

    entry_id: str
    question: str
    query: str
    scope: str


class Learning:
    """What was learnt, a ``Knowledge`` for each scope; it answers nothing while something is yet to be learnt."""

    def __init__(self, storage: Storage, removals: Removals, settings: Settings, stats: StatsRecorder) -> None:
        self._storage = storage
        self._removals = removals
        self._stats = stats
        self._settings = settings
        self._dialect = settings.query_dialect
        self._limit = settings.learned_templates_limit
        self._scopes: dict[str, Knowledge] = {}
        self._given: list[Known] = []
        self._scope_of: dict[str, str] = {}
        self._waiting: dict[str, _Entry] = {}
        self._worker: asyncio.Task[None] | None = None
        self._loaded = False
        self._bulk_writes = 0
        self._written = asyncio.Event()
        self._fault: MedhaError | None = None
        self._moment = 0

    def __len__(self) -> int:
        return len(self._scope_of)

    # ---- what is to be learnt

    async def start(self) -> None:
        """Begin to learn from what is stored; an empty collection is learnt at once.

        Raises:
            FileError: ``values_file`` cannot be read.
        """
        if self._settings.values_file is not None:
            self.give(await asyncio.to_thread(read_values, self._settings.values_file, self._settings), None)
        self._moment = self._removals.now()
        try:
            first = await self._storage.page(None, None)
        except MedhaError as exc:
            self._failed(exc)
            return
        self._loaded = first.cursor is None
        self._enqueue(first.entries, self._moment)
        self._work()

    async def close(self) -> None:
        """Stop learning."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    def learn(self, entries: Sequence[CacheEntry]) -> None:
        """Learn from entries that were stored just now; from here on nothing is answered until they are learnt."""
        ids = [entry.id for entry in entries]
        self.forget(ids)
        # so that a page that was read before does not bring back their former selves
        self._removals.add(ids)
        self._enqueue(entries, self._removals.now())
        self._work()

    async def few_learned(self) -> None:
        """Wait until everything stored is learnt, if that is little."""
        if self._loaded and not self._bulk_writes and len(self._waiting) <= _AT_ONCE:
            await self.learned()

    @contextmanager
    def after_bulk_write(self) -> Generator[None, None, None]:
        """While the block runs, nothing is learnt: it would take turns with the writing."""
        self._bulk_writes += 1
        self._written.clear()
        try:
            yield
        finally:
            self._bulk_writes -= 1
            if not self._bulk_writes:
                self._written.set()
            self._work()

    def forget(self, entry_ids: Iterable[str]) -> None:
        """Withdraw what these entries taught."""
        for entry_id in entry_ids:
            self._waiting.pop(entry_id, None)
            scope = self._scope_of.pop(entry_id, None)
            if scope is not None:
                self._scopes[scope].remove(entry_id)

    def forget_all(self) -> None:
        """Withdraw everything but the values that were given."""
        self.forget(list(self._scope_of))
        self._waiting.clear()

    def has_other_values(self, entry_id: str, query: str | None) -> bool:
        """Whether a query served from the entry is not its own."""
        knowledge = self._scopes.get(self._scope_of.get(entry_id, ""))
        return knowledge is not None and query is not None and knowledge.query_hash(entry_id) != query_hash(query)

    def doubts(self, question: str, scope: str, entry_id: str) -> bool:
        """Whether the entry would answer the normalised question, had its answer not been judged wrong."""
        knowledge = self._scopes.get(scope)
        return knowledge is not None and entry_id in knowledge.doubtful(question)

    def doubt(self, entry_id: str) -> tuple[str, ...]:
        """Bind no values of other questions into the entry's query while this cache is open.

        Returns the entries with such a query, whose answers with other values are in doubt too.
        """
        return self._scopes[self._scope_of[entry_id]].doubt(entry_id)

    async def learned(self) -> None:
        """Wait until everything stored is learnt.

        Raises:
            BackendError: the entries could not be read.
        """
        while self._unfinished and not self._storage.closed:
            if self._bulk_writes:
                await self._written.wait()
            self._work()
            worker = self._worker
            if worker is not None:
                await asyncio.wait([worker])
                if not worker.cancelled():
                    # what nobody expected: begun again, it would only fail again
                    worker.result()
            if self._fault is not None:
                raise self._fault

    def give(self, values: Sequence[Known], metadata: Metadata | None) -> int:
        """Values that the database holds, for one scope or for every one; returns how many were new."""
        if metadata is not None:
            return sum(map(self._knowledge(scope_key(metadata)).give, values))
        known = set(self._given)
        new = [value for value in values if value not in known]
        self._given += new
        for knowledge in self._scopes.values():
            for value in new:
                knowledge.give(value)
        return len(new)

    def _knowledge(self, scope: str) -> Knowledge:
        knowledge = self._scopes.get(scope)
        if knowledge is None:
            knowledge = self._scopes[scope] = Knowledge()
            for value in self._given:
                knowledge.give(value)
        return knowledge

    # ---- what was learnt

    def answer(self, question: str, scope: str) -> Learned | str:
        """The answer to a normalised question in the very same scope, or why there is none."""
        if self._unfinished:
            self._work()
            return f"still learning: {len(self._scope_of)} entries so far" if self._fault is None else str(self._fault)
        knowledge = self._scopes.get(scope)
        return "nothing was learnt in this scope" if knowledge is None else knowledge.answer(question)

    @property
    def _unfinished(self) -> bool:
        return bool(self._waiting) or not self._loaded

    # ---- the work

    def _enqueue(self, entries: Iterable[CacheEntry], moment: int) -> None:
        for entry in entries:
            if len(self._scope_of) + len(self._waiting) >= self._limit:
                return
            if entry.id not in self._scope_of and not self._removals.since(moment, entry.id):
                self._waiting[entry.id] = _Entry(
                    entry.id, entry.normalized_question, entry.generated_query, scope_key(entry.metadata)
                )

    def _work(self) -> None:
        if self._worker is None and self._unfinished and not self._bulk_writes and not self._storage.closed:
            self._worker = asyncio.create_task(self._run())
            self._worker.add_done_callback(self._stopped)

    def _stopped(self, worker: asyncio.Task[None]) -> None:
        if self._worker is worker:
            self._worker = None
        if not worker.cancelled() and (fault := worker.exception()) is not None:
            _log.error("learning from the entries of %r stopped", self._storage.collection, exc_info=fault)

    async def _run(self) -> None:
        self._fault = None
        await self._learn_waiting()
        if not self._loaded:
            try:
                await self._load()
            except MedhaError as exc:
                self._failed(exc)

    def _failed(self, fault: MedhaError) -> None:
        self._fault = fault
        self._stats.error(fault)
        _log.warning("the entries of %r could not be read to learn from them: %s", self._storage.collection, fault)

    async def _load(self) -> None:
        cursor: str | None = None
        while True:
            moment = self._removals.now()
            page = await self._storage.page(None, cursor)
            self._enqueue(page.entries, moment)
            await self._learn_waiting()
            cursor = page.cursor
            if cursor is None or len(self._scope_of) >= self._limit:
                self._loaded = True
                return

    async def _learn_waiting(self) -> None:
        while self._waiting and not self._bulk_writes:
            chunk = [entry for entry, _ in zip(self._waiting.values(), range(_CHUNK), strict=False)]
            lessons = await asyncio.to_thread(self._understood, chunk)
            for number, (entry, lesson) in enumerate(zip(chunk, lessons, strict=True)):
                # it may have been removed or replaced while it was read
                if self._waiting.get(entry.entry_id) is entry:
                    del self._waiting[entry.entry_id]
                    self._add(entry, lesson)
                if number % _SLICE == _SLICE - 1:
                    await asyncio.sleep(0)

    def _understood(self, chunk: Sequence[_Entry]) -> list[Lesson | None]:
        return [lesson_of(entry.entry_id, entry.question, entry.query, self._dialect) for entry in chunk]

    def _add(self, entry: _Entry, lesson: Lesson | None) -> None:
        if lesson is not None:
            self._knowledge(entry.scope).add(lesson)
            self._scope_of[entry.entry_id] = entry.scope
