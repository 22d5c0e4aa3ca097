"""Storing entries: one, and many."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from medha.answers import LEARNED_TAG, question_tag
from medha.batches import next_batch
from medha.checks import (
    MAX_EXACT_INT,
    check_instant,
    check_metadata,
    check_optional_text,
    check_query,
    check_question_length,
    check_text,
    check_ttl,
)
from medha.errors import (
    BackendError,
    InvalidEntryError,
    InvalidInputError,
    InvalidVectorError,
    L1Error,
    MedhaError,
    PartialWriteError,
    ScopeRequiredError,
)
from medha.identity import canonical, digest, entry_id, l1_key, query_hash, scope_key
from medha.models import UNSET, CacheEntry, NewEntry, Unset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medha.evidence import EvidenceBook
    from medha.models import Vector, Vectors
    from medha.parts import Parts

_ALIASES = {"query": "generated_query", "sql": "generated_query", "original_question": "question"}
_CHECK_CHUNK = 2_000


class Draft(NamedTuple):
    """A checked entry that lacks only its vector."""

    digest: str
    fields: dict[str, Any]
    given_vector: Any

    @property
    def id(self) -> str:
        """The id of the entry to be."""
        return self.fields["id"]


class Writer:
    """Checks, embeds and stores; what was answered from a replaced entry is withdrawn."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def store(self, new: NewEntry) -> str:
        """Store one entry; returns its id.

        Raises:
            InvalidInputError: refused, nothing was stored.
            BackendError, EmbedderError: not stored.
            L1Error: stored, but others that share the L1 cache may still serve an older answer.
        """
        draft = self.draft(new)
        await self._write_batch([draft])
        if self._parts.evidence is not None:
            await self._judge(self._parts.evidence, draft)
        return draft.id

    async def _judge(self, evidence: EvidenceBook, draft: Draft) -> None:
        """What is stored for a question is its true query."""
        scope = scope_key(draft.fields["metadata"])
        try:
            await evidence.true_query(l1_key(draft.digest, scope), draft.fields["generated_query"])
        except (BackendError, L1Error) as exc:
            # the entry is stored; a judgement that is lost leaves the terms as strict as they were
            self._parts.stats.error(exc)

    async def store_many(
        self,
        entries: Iterable[NewEntry | Mapping[str, Any]],
        *,
        batch_size: int | None = None,
        on_progress: Callable[[int, int], object] | None = None,
        ttl: float | Unset | None = UNSET,
    ) -> int:
        """Store many entries, all checked before the first is written; returns how many rows were given."""
        if not isinstance(entries, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"store_many takes an iterable of entries, not {type(entries).__name__}")
        given = list(entries)
        drafts = await self._drafts(given, ttl)
        return await self.write(iter(drafts), len(drafts), batch_size, on_progress)

    async def write(
        self,
        drafts: Iterator[Draft],
        total: int,
        batch_size: int | None,
        on_progress: Callable[[int, int], object] | None,
    ) -> int:
        """Embed and store drafts, a batch at a time; they are learnt from when all are stored."""
        size = self._parts.settings.batch_size if batch_size is None else check_batch_size(batch_size)
        learning = self._parts.learning
        with nullcontext() if learning is None else learning.after_bulk_write():
            return await self._write_batches(drafts, total, size, on_progress)

    async def _write_batches(
        self, drafts: Iterator[Draft], total: int, size: int, on_progress: Callable[[int, int], object] | None
    ) -> int:
        stored = 0
        while True:
            try:
                batch = await next_batch(drafts, size)
                if not batch:
                    return stored
                latest = {draft.id: draft for draft in batch}
                await self._write_batch(list(latest.values()))
            except MedhaError as exc:
                raise PartialWriteError(
                    f"stopped after {stored} of {total} entries, which are stored: {exc}", stored=stored
                ) from exc
            stored += len(batch)
            if on_progress is not None:
                on_progress(stored, total)

    async def _drafts(self, given: Sequence[Any], ttl: float | Unset | None) -> list[Draft]:
        """All drafts, made off the event loop when there are many."""

        def make(start: int, stop: int) -> list[Draft]:
            return [self.numbered_draft(given[index], index, ttl) for index in range(start, stop)]

        drafts: list[Draft] = []
        for start in range(0, len(given), _CHECK_CHUNK):
            stop = min(start + _CHECK_CHUNK, len(given))
            drafts += make(start, stop) if stop - start < 32 else await asyncio.to_thread(make, start, stop)
        return drafts

    def numbered_draft(self, row: object, index: int, ttl: float | Unset | None = UNSET) -> Draft:
        """One of many, checked; a refusal carries its index."""
        try:
            return self.draft(as_new_entry(row), ttl)
        except InvalidInputError as exc:
            raise InvalidEntryError(f"entry {index} was refused, nothing was stored: {exc}", index=index) from exc

    def draft(self, new: NewEntry, ttl: float | Unset | None = UNSET) -> Draft:
        """The entry, checked and identified; ``ttl`` is for entries that say nothing of their own."""
        parts = self._parts
        settings = parts.settings
        # before anything else is done with it: it may be huge
        check_question_length(new.question, settings.max_question_length)
        normalized = canonical(new.question)
        metadata = check_metadata(new.metadata)
        if settings.require_scope and not metadata:
            raise ScopeRequiredError("require_scope is on: name the scope, for example metadata={'tenant': 'acme'}")
        query = check_query(new.generated_query)
        now = parts.clock()
        fields: dict[str, Any] = {
            "id": entry_id(parts.storage.collection, normalized, scope_key(metadata)),
            "question": normalized if normalized == new.question else new.question,
            "normalized_question": normalized,
            "generated_query": query,
            "query_hash": query_hash(query),
            "created_at": now if new.created_at is None else check_instant(new.created_at, "created_at"),
            "expires_at": self._expiry(new, ttl, now),
            "response_summary": check_optional_text(new.response_summary, "response_summary"),
            "template_id": None if new.template_id is None else _check_template_id(new.template_id),
            "metadata": metadata,
            "feedback_correct": _check_count(new.feedback_correct, "feedback_correct"),
            "feedback_incorrect": _check_count(new.feedback_incorrect, "feedback_incorrect"),
        }
        draft = Draft(digest(normalized), fields, new.vector)
        if new.vector is not None:
            self._given([draft])
        return draft

    def _expiry(self, new: NewEntry, ttl: float | Unset | None, now: float) -> float | None:
        own = check_ttl(new.ttl if new.ttl is not UNSET else ttl, self._parts.settings.default_ttl_seconds)
        if new.expires_at is not UNSET:
            return None if new.expires_at is None else check_instant(new.expires_at, "expires_at")
        return None if own is None else now + own

    def _given(self, drafts: Sequence[Draft]) -> Vectors:
        from medha.vectors import unit_rows

        return unit_rows(
            [draft.given_vector for draft in drafts],
            count=len(drafts),
            dimension=self._parts.embeddings.spec.dimension,
            what="the given vector",
            error=InvalidVectorError,
        )

    async def _write_batch(self, drafts: Sequence[Draft]) -> None:
        """One call of the backend, so that a batch is stored whole or not at all."""
        given = [draft for draft in drafts if draft.given_vector is not None]
        others = [draft for draft in drafts if draft.given_vector is None]
        vectors: list[Vector] = [*self._given(given)] if given else []
        if others:
            texts = [draft.fields["normalized_question"] for draft in others]
            vectors += [*await self._parts.embeddings.of_many(texts, is_document=True)]
        await self._parts.to_the_end(self._put([*given, *others], vectors))

    async def _put(self, drafts: Sequence[Draft], vectors: Sequence[Vector]) -> None:
        """Store, then withdraw what was answered from the entries' former selves."""
        parts = self._parts
        entries = [CacheEntry(**draft.fields, vector=vector) for draft, vector in zip(drafts, vectors, strict=True)]
        try:
            await parts.storage.upsert(entries)
        except BackendError:
            # a call that failed late, after a timeout say, may have stored them all the same
            with suppress(L1Error):
                await self._withdraw(drafts)
            raise
        if parts.learning is not None:
            # first, so that no lookup keeps an answer that the new entries speak against
            parts.learning.learn(entries)
        await self._withdraw(drafts)
        if parts.learning is not None:
            await parts.learning.few_learned()
        parts.stats.stored(len(entries))

    async def _withdraw(self, drafts: Sequence[Draft]) -> None:
        parts = self._parts
        ids = [draft.id for draft in drafts]
        try:
            if parts.answers is not None:
                tags = [*ids, *(question_tag(draft.digest) for draft in drafts)]
                if parts.learning is not None:
                    # whatever is learnt may make another query of the same words, or another thing of a value
                    tags.append(LEARNED_TAG)
                await parts.answers.withdraw(tags)
        finally:
            parts.removals.add(ids)


def as_new_entry(row: object) -> NewEntry:
    """A row of a file, frame or list as a ``NewEntry``.

    ``query`` and ``sql`` stand for ``generated_query``; fields that are no entry's are refused.
    """
    if isinstance(row, NewEntry):
        return row
    if not isinstance(row, dict | Mapping):
        raise InvalidInputError(f"an entry must be a NewEntry or a mapping, not {type(row).__name__}")
    values: dict[str, Any] = {}
    for key, value in cast("Mapping[Any, Any]", row).items():
        name = _ALIASES.get(key, key)
        if name not in _FIELDS:
            raise InvalidInputError(f"{key!r:.80} is not a field of an entry; they are {', '.join(sorted(_FIELDS))}")
        if name in values:
            raise InvalidInputError(f"{name!r} is given twice, the second time as {key!r}")
        values[name] = value
    for required in ("question", "generated_query"):
        if required not in values:
            raise InvalidInputError(f"the field {required!r} is missing")
    return NewEntry(**values)


_FIELDS = frozenset(NewEntry.__dataclass_fields__)


def check_batch_size(batch_size: object) -> int:
    """A positive number of entries."""
    if type(batch_size) is not int or batch_size < 1:
        raise InvalidInputError(f"batch_size must be a positive int, not {batch_size!r}")
    return batch_size


def _check_template_id(template_id: object) -> str:
    checked = check_text(template_id, "template_id", InvalidInputError)
    if not checked or len(checked) > 256:
        raise InvalidInputError("template_id must have 1 to 256 characters")
    return checked


def _check_count(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_EXACT_INT:
        raise InvalidInputError(f"{what} must be an int of 0 or more, at most 2**53, not {value!r:.80}")
    return value
