"""Answers that are generated on a miss: once, however many ask at the same moment."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from medha.answers import question_tag
from medha.checks import check_query, check_ttl
from medha.errors import BackendError, EmbedderError, GenerationError, InvalidInputError, L1Error
from medha.identity import entry_id
from medha.models import CacheHit, NewEntry, SearchStrategy, Unset
from medha.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from medha.errors import MedhaError
    from medha.parts import Parts
    from medha.searching import Searcher
    from medha.writing import Writer

    Generate: TypeAlias = Callable[[str], Awaitable[str]] | Callable[[str], str]


_LEADING: ContextVar[frozenset[tuple[Generator, str]]] = ContextVar("_LEADING", default=frozenset())
"""What the present task is generating, or waits for."""


class Generator:
    """Looks up; on a miss generates, stores, and gives the answer to all who wait for it."""

    def __init__(self, parts: Parts, searcher: Searcher, writer: Writer) -> None:
        self._parts = parts
        self._searcher = searcher
        self._writer = writer
        self._flights: SingleFlight[CacheHit] = SingleFlight(share_failure=False)

    async def get_or_generate(
        self,
        question: str,
        generate: Generate,
        *,
        ttl: float | Unset | None,
        filters: Mapping[str, Any] | None,
    ) -> CacheHit:
        """The cached answer, or the one that ``generate`` makes."""
        self._searcher.require_scope(filters)
        check_ttl(ttl, None)
        moment = self._parts.removals.now()
        hit = await self._searcher.search(question, filters)
        if hit:
            return hit

        async def work() -> CacheHit:
            request = self._searcher.request(question, filters)
            own_id = entry_id(self._parts.storage.collection, request.asked.question.normalized, request.scope)
            if self._parts.removals.since(moment, own_id):
                stored_meanwhile = await self._searcher.search(question, filters)
                if stored_meanwhile:
                    return stored_meanwhile
            began = self._parts.removals.now()
            query = await call_generate(generate, question)
            self._parts.stats.generated()
            new = NewEntry(question=question, generated_query=query, ttl=ttl, metadata=request.filters)
            if any(self._parts.removals.since(began, tag) for tag in (own_id, question_tag(request.asked.digest))):
                return _generated(new, None, "generated for a miss; not stored, since it was invalidated meanwhile")
            return await self._stored(new)

        return await self._lead_or_wait(self._searcher.request(question, filters).key, work)

    async def _lead_or_wait(self, key: str, work: Callable[[], Awaitable[CacheHit]]) -> CacheHit:
        leading = _LEADING.get()
        if (self, key) in leading:
            raise GenerationError("generate asks the cache for the very question that it is to answer; that never ends")
        token = _LEADING.set(leading | {(self, key)})
        try:
            return await self._flights.run(key, work)
        finally:
            _LEADING.reset(token)

    async def _stored(self, new: NewEntry) -> CacheHit:
        """The generated answer, stored - or, where ``on_backend_error`` is "miss", with the fault of storing it."""
        stored_id = None
        fault: BackendError | EmbedderError | L1Error | None = None
        try:
            stored_id = await self._writer.store(new)
        except (BackendError, EmbedderError, L1Error) as exc:
            self._parts.stats.error(exc)
            if self._parts.settings.on_backend_error == "raise":
                raise
            fault = exc
        reason = "generated for a miss" if fault is None else f"generated for a miss, but storing failed: {fault}"
        return _generated(new, stored_id, reason, fault)


def _generated(new: NewEntry, stored_id: str | None, reason: str, fault: MedhaError | None = None) -> CacheHit:
    return CacheHit(
        strategy=SearchStrategy.GENERATED,
        reason=reason,
        generated_query=new.generated_query,
        confidence=1.0,
        matched_question=new.question,
        entry_id=stored_id,
        metadata=new.metadata,
        error=fault,
    )


def _call(generate: Generate, question: str) -> object:
    try:
        return generate(question)
    except StopIteration as exc:
        # no future can carry it: whoever awaits would wait for ever
        raise GenerationError("generate raised StopIteration, as next() does on something empty") from exc


async def call_generate(generate: Generate, question: str) -> str:
    """What ``generate`` returns, checked; a function that is not async runs in a thread.

    Raises:
        GenerationError: it is not a query. What ``generate`` itself raises comes through unchanged.
    """
    if not callable(generate):
        raise InvalidInputError(f"generate must be a function of the question, not {type(generate).__name__}")
    made: object
    if inspect.iscoroutinefunction(generate):
        made = await generate(question)
    else:
        made = await asyncio.to_thread(_call, generate, question)
        if inspect.isawaitable(made):
            made = await made
    try:
        return check_query(made)
    except InvalidInputError as exc:
        raise GenerationError(f"generate returned no query: {exc}") from exc
