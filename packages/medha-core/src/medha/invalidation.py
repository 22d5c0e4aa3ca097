"""Removing entries, so that nothing removed is ever served again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from medha.answers import LEARNED_TAG, question_tag
from medha.checks import check_metadata, check_question_length, check_text
from medha.errors import BackendError, CollectionNotFoundError, InvalidInputError, L1Error, MedhaError
from medha.identity import ask, scope_key
from medha.models import CacheEntry, FeedbackResult
from medha.where import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medha.evidence import Answered
    from medha.parts import Parts
    from medha.searching import Searcher
    from medha.storage import Storage

_log = logging.getLogger(__name__)

DedupStrategy = Literal["keep_latest", "keep_first", "keep_best_feedback"]

_BETTER: Final[dict[str, Callable[[CacheEntry], tuple[float, ...]]]] = {
    "keep_latest": lambda entry: (entry.created_at,),
    "keep_first": lambda entry: (-entry.created_at,),
    "keep_best_feedback": lambda e: (e.feedback_correct - e.feedback_incorrect, e.created_at),
}


class Remover:
    """Removes from the backend, then from L1, then from lookups in flight."""

    def __init__(self, parts: Parts, searcher: Searcher) -> None:
        self._parts = parts
        self._searcher = searcher

    async def invalidate(self, question: str, filters: Mapping[str, Any] | None) -> int:
        """Remove the entries of this question, in every scope or in those that fit the filters."""
        check_question_length(question, self._parts.settings.max_question_length)
        asked = ask(question)
        where = Where(normalized_question=asked.question.normalized, metadata=check_metadata(filters, "filters"))
        return await self._remove(where, also=[question_tag(asked.digest)])

    async def by_query_hash(self, query_hash: str) -> int:
        """Remove the entries with this query."""
        return await self._remove(Where(query_hash=check_text(query_hash, "query_hash", InvalidInputError)))

    async def by_template(self, template_id: str) -> int:
        """Remove the entries made from this template."""
        return await self._remove(Where(template_id=check_text(template_id, "template_id", InvalidInputError)))

    async def collection(self, collection: str | None) -> int:
        """Remove every entry of a collection."""
        return await self._parts.to_the_end(self._clear(self._storage(collection)))

    async def expire(self, collection: str | None = None) -> int:
        """Remove what has expired, in one collection or in all that were opened."""
        where = Where(expired_at=self._parts.clock())
        if collection is not None:
            return await self._remove(where, self._storage(collection))
        removed = 0
        for name in sorted(self._parts.opened):
            try:
                removed += await self._remove(where, self._storage(name))
            except CollectionNotFoundError:
                # somebody dropped it, so that nothing in it can expire; the own one must be there
                if name == self._parts.storage.collection:
                    raise
                self._parts.opened.discard(name)
        return removed

    async def dedup(self, strategy: str, collection: str | None) -> int:
        """Keep one entry for each question and scope.

        Ids are deterministic, so that only rows written by other means or an older version can repeat a question.
        """
        if not isinstance(strategy, str) or strategy not in _BETTER:  # pyright: ignore[reportUnnecessaryIsInstance]
            known = ", ".join(repr(name) for name in get_args(DedupStrategy))
            raise InvalidInputError(f"there is no dedup strategy {strategy!r}; they are {known}")
        better = _BETTER[strategy]
        best: dict[tuple[str, str], tuple[tuple[float, ...], str]] = {}
        worse: list[str] = []
        storage = self._storage(collection)
        async for page in storage.pages():
            for entry in page:
                key = (entry.normalized_question, scope_key(entry.metadata))
                rank = (better(entry), entry.id)
                if key in best:
                    worse.append(min(best[key], rank)[1])
                best[key] = max(best.get(key, rank), rank)
        return await self._remove(Where(ids=frozenset(worse)), storage) if worse else 0

    async def feedback(
        self, question: str, correct: bool, entry_id: str | None, filters: Mapping[str, Any] | None
    ) -> FeedbackResult:
        """Count feedback on the entry that answers the question, and remove it after too many "incorrect".

        An "incorrect" answer that was the entry's query with other values says nothing of the entry: nothing else is
        bound into such queries from then on.
        """
        if not isinstance(correct, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"correct must be True or False, not {correct!r}")
        judged = await self._searcher.answer_of(question, filters, entry_id)
        if judged is not None and self._parts.evidence is not None:
            await self._parts.evidence.judge(*judged, correct=correct)
            entry_id = judged[1].entry_id if entry_id is None else entry_id
        if entry_id is None:
            hit = (await self._searcher.explain(question, filters)).hit
            if hit.error is not None:
                # on_backend_error is for lookups: feedback that cannot be counted must not pass for "no such entry"
                raise hit.error
            entry_id = hit.entry_id
        else:
            check_text(entry_id, "entry_id", InvalidInputError)
        if entry_id is not None and not correct and await self._has_other_values(question, filters, entry_id, judged):
            return await self._parts.to_the_end(self._doubt(entry_id))
        counted = None
        if entry_id is not None:
            counted = await self._parts.storage.add_feedback(entry_id, correct=int(correct), incorrect=int(not correct))
            if counted is None:
                # another process removed it: what L1 still holds of it goes too
                await self._withdraw(self._parts.storage, (entry_id,))
        if counted is None or entry_id is None:
            return FeedbackResult(entry_id=None, correct=0, incorrect=0, removed=False)
        removed = counted[1] >= self._parts.settings.feedback_incorrect_threshold
        if removed:
            await self._remove(Where(ids=(entry_id,)))
        return FeedbackResult(entry_id=entry_id, correct=counted[0], incorrect=counted[1], removed=removed)

    async def _has_other_values(
        self, question: str, filters: Mapping[str, Any] | None, entry_id: str, judged: tuple[str, Answered] | None
    ) -> bool:
        """Whether the answer from this entry was its query with other values, and so not the entry's own."""
        learning = self._parts.learning
        if learning is None:
            return False
        if judged is not None:
            return learning.has_other_values(entry_id, judged[1].query)
        hit = (await self._searcher.explain(question, filters)).hit
        if hit.entry_id == entry_id:
            return learning.has_other_values(entry_id, hit.generated_query)
        request = self._searcher.request(question, filters)
        return learning.doubts(request.asked.question.normalized, scope_key(request.filters), entry_id)

    async def _doubt(self, entry_id: str) -> FeedbackResult:
        """Put aside what was learnt of the entry's query; the entry itself was not judged."""
        storage, learning = self._parts.storage, self._parts.learning
        assert learning is not None, "only what was learnt is bound to other values"  # noqa: S101
        tags = learning.doubt(entry_id)
        try:
            if self._parts.answers is not None:
                await self._parts.answers.withdraw(tags, storage.collection)
        finally:
            self._parts.removals.add(tags)
        for entry in await storage.get([entry_id]):
            counted = (entry.feedback_correct, entry.feedback_incorrect)
            return FeedbackResult(entry_id=entry_id, correct=counted[0], incorrect=counted[1], removed=False)
        return FeedbackResult(entry_id=None, correct=0, incorrect=0, removed=False)

    async def expire_regularly(self, interval: float) -> None:
        """Remove what has expired, every ``interval`` seconds, until cancelled; a failure is logged and counted."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.expire()
            except MedhaError as exc:
                self._parts.stats.error(exc)
                _log.warning("removing expired entries failed, it is tried again in %s s: %s", interval, exc)

    def _storage(self, collection: str | None) -> Storage:
        if collection is None or collection == self._parts.storage.collection:
            return self._parts.storage
        return self._parts.storage.other(check_collection(collection))

    async def _remove(self, where: Where, storage: Storage | None = None, *, also: Sequence[str] = ()) -> int:
        return await self._parts.to_the_end(self._remove_found(where, storage or self._parts.storage, also))

    async def _remove_found(self, where: Where, storage: Storage, also: Sequence[str]) -> int:
        """Remove page by page, so that L1 learns of every id; lookups in flight learn of them last."""
        removed = 0
        async for page in storage.pages(where):
            ids = tuple(entry.id for entry in page)
            # the rest of the condition stays, so that an entry replaced meanwhile is left alone
            try:
                removed += await storage.delete(replace(where, ids=ids))
            except BackendError:
                # a call that failed late, after a timeout say, may have removed them all the same
                with suppress(L1Error):
                    await self._withdraw(storage, ids)
                raise
            await self._withdraw(storage, ids)
        if also:
            await self._withdraw(storage, also)
        self._parts.opened.add(storage.collection)
        self._parts.stats.removed(removed)
        return removed

    async def _withdraw(self, storage: Storage, tags: Sequence[str]) -> None:
        # forgotten first, so that no lookup keeps an answer that rests on them
        self._parts.removals.add(tags)
        if self._parts.learning is not None and storage.collection == self._parts.storage.collection:
            self._parts.learning.forget(tags)
        try:
            if self._parts.answers is not None:
                await self._parts.answers.withdraw([*tags, LEARNED_TAG], storage.collection)
        finally:
            self._parts.removals.add(tags)

    async def _withdraw_all(self, storage: Storage) -> None:
        self._parts.removals.add_all()
        if self._parts.learning is not None and storage.collection == self._parts.storage.collection:
            self._parts.learning.forget_all()
        try:
            if self._parts.answers is not None:
                await self._parts.answers.clear(storage.collection)
        finally:
            self._parts.removals.add_all()

    async def _clear(self, storage: Storage) -> int:
        try:
            removed = await storage.delete(Where())
        except BackendError:
            with suppress(L1Error):
                await self._withdraw_all(storage)
            raise
        await self._withdraw_all(storage)
        self._parts.opened.add(storage.collection)
        self._parts.stats.removed(removed)
        return removed


def check_collection(collection: object) -> str:
    """A usable collection name."""
    checked = check_text(collection, "the collection name", InvalidInputError)
    if not checked.strip() or len(checked) > 200:
        raise InvalidInputError("a collection name has 1 to 200 characters, not all of them blank")
    return checked
