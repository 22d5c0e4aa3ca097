"""Lookups: one question, many questions, and why a question is answered as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from medha.checks import check_metadata, check_question_length
from medha.errors import BackendError, EmbedderError, InvalidInputError, MedhaError, ScopeRequiredError
from medha.evidence import answered
from medha.hits import miss
from medha.identity import Asked, ask, entry_id, scope_key
from medha.l1 import L1Read
from medha.lookup import Lookup, Recorder
from medha.models import NO_METADATA, Decision
from medha.tiers.near import NEAREST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.evidence import Answered, EvidenceBook
    from medha.models import CacheHit, ConsideredCandidate, Metadata
    from medha.parts import Parts

    Judged = tuple[str, Answered]

_ATTEMPTS: Final = 3
_NO_SCOPE: Final = "require_scope is on and the lookup names no scope; pass filters"
_PARALLEL_SEARCHES: Final = 16
_NOTHING_READ: Final = L1Read(None, -1)


@dataclass(slots=True)
class _Request:
    """A checked lookup: the question in its scope, and what L1 said."""

    asked: Asked
    filters: Metadata
    scope: str
    key: str
    moment: int = 0
    read: L1Read = _NOTHING_READ
    recorder: Recorder | None = None


class Searcher:
    """Answers questions from L1, and through the waterfall."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # None, so that the lookups that nobody hears need not ask how many listen
        self._listeners = parts.listeners or None

    async def search(self, question: str, filters: Mapping[str, Any] | None = None) -> CacheHit:
        """The answer to one question."""
        started = time.perf_counter()
        request = self.request(question, filters)
        if self._listeners is not None:
            request.recorder = Recorder(served=True)
            return await self._answer_aloud(request, started)
        hit = await self._answer(request)
        self._parts.stats.lookup(hit, time.perf_counter() - started)
        return hit

    async def search_batch(self, questions: Sequence[str], filters: Mapping[str, Any] | None = None) -> list[CacheHit]:
        """The answers to many questions, in order, with one embedding call for all that need one."""
        if isinstance(questions, str) or not isinstance(questions, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = type(questions).__name__
            raise InvalidInputError(f"search_batch takes a sequence of questions, not one {kind}; use search for one")
        started = time.perf_counter()
        requests = [self.request(question, filters) for question in questions]
        if self._listeners is not None:
            for request in requests:
                request.recorder = Recorder(served=True)
        await self._read_many(requests)
        lookups = {id(r): self._lookup(r) for r in requests if r.read.hit is None and self._in_scope(r)}
        fault = await self._fetch_ahead(list(lookups.values()))
        slots = asyncio.Semaphore(_PARALLEL_SEARCHES)

        async def answer(request: _Request) -> CacheHit:
            async with slots:
                if request.recorder is not None:
                    return await self._answer_aloud(request, started, lookups.get(id(request)), fault)
                hit = await self._answer(request, lookups.get(id(request)), fault)
            self._parts.stats.lookup(hit, time.perf_counter() - started)
            return hit

        tasks = [asyncio.ensure_future(answer(request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def explain(self, question: str, filters: Mapping[str, Any] | None = None) -> Decision:
        """The whole decision on a question; nothing is counted, kept or changed."""
        started = time.perf_counter()
        request = self.request(question, filters)
        request.recorder = recorder = Recorder()
        if self._in_scope(request):
            await self._read_l1(request, count_fault=False)
            recorder.l1(request.read.hit, started)
            hit = request.read.hit or await self._parts.waterfall.answer(self._lookup(request))
        else:
            hit = miss(_NO_SCOPE)
        return self._decision(request, recorder, hit, time.perf_counter() - started)

    def request(self, question: str, filters: Mapping[str, Any] | None) -> _Request:
        """The question and filters, checked."""
        check_question_length(question, self._parts.settings.max_question_length)
        asked = ask(question)
        if not filters:
            if filters is not None:
                check_metadata(filters, "filters")
            return _Request(asked, NO_METADATA, "", asked.digest)
        checked = check_metadata(filters, "filters")
        scope = scope_key(checked)
        return _Request(asked, checked, scope, asked.key(scope))

    def require_scope(self, filters: Mapping[str, Any] | None) -> None:
        """Refuse a call that would store without a scope where one is required."""
        if self._parts.settings.require_scope and not filters:
            raise ScopeRequiredError("require_scope is on: name the scope, for example metadata={'tenant': 'acme'}")

    def _in_scope(self, request: _Request) -> bool:
        return bool(request.scope) or not self._parts.settings.require_scope

    async def _answer(
        self, request: _Request, prepared: Lookup | None = None, fault: EmbedderError | None = None
    ) -> CacheHit:
        """From L1 or the waterfall; again when the answer was removed or replaced meanwhile."""
        if not self._in_scope(request):
            return miss(_NO_SCOPE)
        removals = self._parts.removals
        for attempt in range(_ATTEMPTS):
            began = time.perf_counter() if request.recorder is not None else 0.0
            if attempt or prepared is None:
                await self._read_l1(request)
            hit = request.read.hit
            if request.recorder is not None:
                request.recorder.l1(hit, began)
            if hit is None:
                lookup = prepared if prepared is not None and not attempt else self._lookup(request)
                lookup.fault = fault
                hit = await self._parts.waterfall.answer(lookup)
                await self._keep(request, hit)
                if self._parts.evidence is not None:
                    await self._remember(self._parts.evidence, request, lookup, hit)
            if hit.entry_id is None or not removals.since(request.moment, hit.entry_id):
                return hit
        return miss(f"the answer was removed or replaced during each of {_ATTEMPTS} lookups")

    async def _answer_aloud(
        self, request: _Request, started: float, prepared: Lookup | None = None, fault: EmbedderError | None = None
    ) -> CacheHit:
        """``_answer``, counted, with its decision told to the listeners; a fault that is raised is told too."""
        recorder = request.recorder or Recorder(served=True)
        tell = self._parts.listeners.tell
        try:
            hit = await self._answer(request, prepared, fault)
        except MedhaError as exc:
            failed = miss(f"the lookup failed: {exc}", exc)
            tell(self._decision(request, recorder, failed, time.perf_counter() - started))
            raise
        seconds = time.perf_counter() - started
        self._parts.stats.lookup(hit, seconds)
        tell(self._decision(request, recorder, hit, seconds))
        return hit

    def _decision(self, request: _Request, recorder: Recorder, hit: CacheHit, seconds: float) -> Decision:
        question = request.asked.question
        return Decision(
            question=question.text,
            normalized_question=question.normalized,
            filters=request.filters,
            hit=hit,
            tiers=tuple(recorder.tiers),
            candidates=tuple(recorder.candidates),
            milliseconds=seconds * 1000,
            collection=self._parts.storage.collection,
            near_misses=_nearest(recorder),
            terms=None if self._parts.evidence is None else self._parts.evidence.terms,
        )

    async def _read_many(self, requests: Sequence[_Request]) -> None:
        answers = self._parts.answers
        if answers is None or answers.in_process:
            for request in requests:
                await self._read_l1(request)
            return
        slots = asyncio.Semaphore(_PARALLEL_SEARCHES)

        async def read(request: _Request) -> None:
            async with slots:
                await self._read_l1(request)

        await asyncio.gather(*map(read, requests))

    async def _read_l1(self, request: _Request, *, count_fault: bool = True) -> None:
        request.moment = self._parts.removals.now()
        answers = self._parts.answers
        if answers is not None:
            request.read = await answers.read(request.key, self._parts.clock(), count_fault=count_fault)

    async def _keep(self, request: _Request, hit: CacheHit) -> None:
        if hit and self._parts.answers is not None:
            await self._parts.answers.keep(request.asked, request.key, hit, request.read.fence)

    def _lookup(self, request: _Request) -> Lookup:
        parts = self._parts
        return Lookup(
            asked=request.asked,
            filters=request.filters,
            entry_id=entry_id(parts.storage.collection, request.asked.question.normalized, request.scope),
            now=parts.clock(),
            storage=parts.storage,
            embeddings=parts.embeddings,
            settings=parts.settings,
            recorder=request.recorder,
            terms=None if parts.evidence is None else parts.evidence.terms,
        )

    async def _remember(self, evidence: EvidenceBook, request: _Request, lookup: Lookup, hit: CacheHit) -> None:
        """Keep the answer for when it is judged; after a miss, the one that was held back."""
        if hit or hit.error is not None:
            evidence.remember(request.key, answered(hit, served=True))
            return
        try:
            held_back = await self._parts.waterfall.held_back(lookup)
        except (BackendError, EmbedderError) as exc:
            self._parts.stats.error(exc)
        else:
            evidence.remember(request.key, answered(held_back, served=False))

    async def answer_of(self, question: str, filters: Mapping[str, Any] | None, wanted: str | None) -> Judged | None:
        """The answer that feedback is about: the one given lately, else the one that would be given now.

        For a wanted entry, also a tier that is held back counts.
        """
        evidence = self._parts.evidence
        if evidence is None:
            return None
        request = self.request(question, filters)
        answer = evidence.lately(request.key, wanted)
        if answer is None:
            request.recorder = Recorder()
            lookup = self._lookup(request)
            if wanted is not None:
                lookup.terms = None
            answer = answered(await self._parts.waterfall.answer(lookup), served=True)
        return None if answer is None or wanted not in {None, answer.entry_id} else (request.key, answer)

    async def _fetch_ahead(self, lookups: Sequence[Lookup]) -> EmbedderError | None:
        """One ``get`` for all, one embedding call for those it does not answer; returns the embedder's fault."""
        if not lookups:
            return None
        try:
            found = {e.id: e for e in await self._parts.storage.get([lookup.entry_id for lookup in lookups])}
        except MedhaError:
            # each lookup asks again and is judged by on_backend_error on its own
            return None
        for lookup in lookups:
            lookup.exact = found.get(lookup.entry_id)
        open_lookups = [lookup for lookup in lookups if await lookup.exact_entry() is None]
        texts = [lookup.asked.question.normalized for lookup in open_lookups]
        try:
            vectors = await self._parts.embeddings.of_many(texts, is_document=False)
        except EmbedderError as exc:
            return exc
        for lookup, vector in zip(open_lookups, vectors, strict=True):
            lookup.vector = vector
        return None


def _nearest(recorder: Recorder) -> tuple[ConsideredCandidate, ...]:
    """What was not served, closest first: rejected, or never considered."""
    rejected = {c.entry_id: c for c in [*recorder.candidates, *recorder.near_misses] if c.outcome != "accepted"}
    return tuple(sorted(rejected.values(), key=lambda candidate: -candidate.similarity)[:NEAREST])
