"""Moving house: every entry of another collection, a file or a table into this one, verified at the end."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.errors import InvalidInputError, MigrationError, PartialWriteError
from medha.evidence import SUFFIX
from medha.identity import scope_key
from medha.models import UNSET
from medha.sources import CollectionSource
from medha.vectors import unit_rows
from medha.where import Where

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from medha.models import CacheEntry, NewEntry, Vector
    from medha.parts import Parts
    from medha.sources import EntrySource
    from medha.writing import Draft, Writer

    Progress = Callable[[str, int, int], object]

_CHECKED_FIELDS: Final = (
    *("id", "question", "normalized_question", "generated_query", "query_hash", "response_summary", "template_id"),
    *("feedback_correct", "feedback_incorrect"),
)
_SUM_OF: Final = 1 << 128
_SAME_VECTOR: Final = 0.9999
_SHOWN_IDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What became of one migration; of a dry run, what would.

    ``entries`` = ``stored`` + ``already_there`` are the source's live ones; ``embedded`` of them had no vector of the
    collection's model. ``expired`` ones and ``repeated`` ones (of a question and scope that has a newer one) were left
    behind. ``foreign`` ones are in the collection and not in the source. ``checksum`` is that of both sides.
    """

    source: str
    collection: str
    entries: int
    stored: int
    already_there: int
    expired: int
    repeated: int
    embedded: int
    foreign: int
    checksum: str
    dry_run: bool


class _Moved(NamedTuple):
    """An entry as it will be in the target, and the sum that tells it from every other."""

    draft: Draft
    times: tuple[str, ...]
    sum: int
    rank: float

    @property
    def id(self) -> str:
        return self.draft.id

    @property
    def expires_at(self) -> float | None:
        return self.draft.fields["expires_at"]


@dataclass(slots=True)
class _Survey:
    """What the first look found."""

    now: float
    in_target: int = 0
    entries: int = 0
    embedded: int = 0
    same: int = 0
    differing: int = 0
    foreign: int = 0
    expired: int = 0
    repeated: int = 0
    checksum: int = 0
    newest: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])
    expiring: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])
    """When those expire that do, and their sums."""

    def chosen(self, moved: _Moved) -> bool:
        """Whether it is the one to keep of those with its question and scope."""
        best = self.newest.get(moved.id)
        return best is None or best[1] == moved.sum


class Migrator:
    """Looks first, refuses what would mix two collections, copies what is missing, and compares at the end."""

    def __init__(self, parts: Parts, writer: Writer, on_progress: Progress | None = None) -> None:
        self._parts = parts
        self._writer = writer
        self._tell: Progress = on_progress or _tell_nobody

    async def migrate(self, source: EntrySource, *, merge: bool, dry_run: bool) -> Migration:
        """Move everything that has not expired.

        Raises:
            MigrationError: the target holds something else and ``merge`` is off; or the copy is not the source; or the
                source is another model's evidence.
            InvalidEntryError: an entry cannot be stored; nothing was.
            PartialWriteError: stopped midway; the next run goes on from there.
        """
        storage = self._parts.storage
        if isinstance(source, CollectionSource) and (source.backend, source.collection) == (
            storage.backend,
            storage.collection,
        ):
            raise InvalidInputError(f"the collection {storage.collection!r} cannot be migrated into itself")
        total = await source.open(self._parts.embeddings.spec, self._parts.settings)
        if isinstance(source, CollectionSource) and source.collection.endswith(SUFFIX) and not source.same_model:
            raise MigrationError(
                f"{source.name} holds judged answers of another model, whose similarities mean nothing under this one; "
                "leave it behind, and let answers be judged anew"
            )
        survey = await self._survey(source, total)
        if not merge and (survey.foreign or survey.differing):
            raise MigrationError(
                f"the collection {storage.collection!r} already holds {survey.foreign} entries that "
                f"{source.name} lacks, and {survey.differing} with the same question and scope but another content; "
                "nothing was written. Choose an empty or new collection, or merge: then the former stay, and the "
                "latter are replaced"
            )
        if not dry_run:
            await self._copy(source, survey)
            await self._verify(source, survey, merge=merge)
        return Migration(
            source=source.name,
            collection=storage.collection,
            entries=survey.entries,
            stored=survey.entries - survey.same,
            already_there=survey.same,
            expired=survey.expired,
            repeated=survey.repeated,
            embedded=survey.embedded,
            foreign=survey.foreign,
            checksum=f"{survey.checksum:032x}",
            dry_run=dry_run,
        )

    async def _survey(self, source: EntrySource, total: int | None) -> _Survey:
        storage = self._parts.storage
        survey = _Survey(now=self._parts.clock(), in_target=await storage.count())
        repeated = await self._compare(source, survey, total)
        if repeated:
            newest = await self._newest(source, survey.now, repeated)
            survey = _Survey(now=survey.now, in_target=survey.in_target, newest=newest)
            await self._compare(source, survey, total)
        old = await storage.count(Where(expired_at=survey.now)) if survey.in_target else 0
        survey.foreign = max(0, survey.in_target - old - survey.same - survey.differing)
        return survey

    async def _compare(self, source: EntrySource, survey: _Survey, total: int | None) -> set[str]:
        """Count what there is and what is there already; returns the ids that came more than once."""
        counted, repeated = set[str](), set[str]()
        read = 0
        async for page in self._pages(source, survey.now):
            read += len(page)
            survey.expired += sum(moved is None for moved in page)
            repeated |= _repeated(page, counted)
            chosen = _first_chosen(page, survey, counted)
            there = await self._there(chosen, survey)
            for moved in chosen:
                entry = there.get(moved.id)
                same = entry is not None and _sum(_fields(entry), moved.times) == moved.sum
                survey.entries += 1
                survey.same += same
                survey.differing += entry is not None and not same
                survey.embedded += not same and moved.draft.given_vector is None
                survey.checksum = (survey.checksum + moved.sum) % _SUM_OF
                if moved.expires_at is not None:
                    survey.expiring[moved.id] = (moved.expires_at, moved.sum)
            self._tell("looking", read, max(read, total or 0))
        survey.repeated = read - survey.expired - survey.entries
        return repeated

    async def _newest(self, source: EntrySource, now: float, ids: set[str]) -> dict[str, tuple[float, int]]:
        """Of each of these ids the entry that was made last, or comes last where none says when."""
        newest: dict[str, tuple[float, int]] = {}
        async for page in self._pages(source, now):
            for moved in page:
                if moved is not None and moved.id in ids:
                    known = newest.get(moved.id)
                    if known is None or moved.rank >= known[0]:
                        newest[moved.id] = (moved.rank, moved.sum)
        return newest

    async def _copy(self, source: EntrySource, survey: _Survey) -> None:
        done, stored, copied = 0, 0, set[str]()
        async for page in self._pages(source, survey.now):
            chosen = _first_chosen(page, survey, copied)
            there = await self._there(chosen, survey)
            missing = [m for m in chosen if m.id not in there or _sum(_fields(there[m.id]), m.times) != m.sum]
            if missing:
                await self._store([moved.draft for moved in missing], stored)
            stored += len(missing)
            done += len(chosen)
            self._tell("storing", done, max(done, survey.entries))

    async def _store(self, drafts: Sequence[Draft], stored: int) -> None:
        try:
            await self._writer.write(iter(drafts), len(drafts), None, None)
        except PartialWriteError as exc:
            so_far = stored + exc.stored
            raise PartialWriteError(
                f"the migration stopped after it had stored {so_far} entries, which stay; run it again and it goes on "
                f"from there: {exc.__cause__}",
                stored=so_far,
            ) from exc

    async def _verify(self, source: EntrySource, survey: _Survey, *, merge: bool) -> None:
        """Compare every entry, its vector too, and the number of all; add up both sides anew."""
        storage, checked = self._parts.storage, set[str]()
        missing, wrong = list[str](), list[str]()
        sum_here = sum_there = 0
        async for page in self._pages(source, survey.now):
            chosen = _first_chosen(page, survey, checked)
            where = Where(ids=frozenset(moved.id for moved in chosen))
            there = (
                {e.id: e async for found in storage.pages(where, with_vectors=True) for e in found} if chosen else {}
            )
            now = self._parts.clock()
            for moved in chosen:
                entry = there.get(moved.id)
                sum_here = (sum_here + moved.sum) % _SUM_OF
                if entry is None and _expired(moved, now):
                    # some engines remove it at once
                    sum_there = (sum_there + moved.sum) % _SUM_OF
                elif entry is None:
                    missing.append(moved.id)
                else:
                    sum_of_entry = _sum(_fields(entry), moved.times)
                    sum_there = (sum_there + sum_of_entry) % _SUM_OF
                    if sum_of_entry != moved.sum or not self._same_vector(moved, entry.vector):
                        wrong.append(moved.id)
            self._tell("verifying", len(checked), max(len(checked), survey.entries))
        now = self._parts.clock()
        for entry_id, (expires_at, sum_of_entry) in survey.expiring.items():
            # some engines remove it at once, from the source too
            if expires_at <= now and entry_id not in checked:
                checked.add(entry_id)
                sum_here, sum_there = (sum_here + sum_of_entry) % _SUM_OF, (sum_there + sum_of_entry) % _SUM_OF
        there_now = await storage.count() - await storage.count(Where(expired_at=now))
        too_many = 0 if merge else max(0, there_now - survey.entries)
        changed = len(checked) != survey.entries or sum_here != survey.checksum
        if missing or wrong or changed or too_many or sum_here != sum_there:
            raise MigrationError(
                f"the copy in {storage.collection!r} is not what {source.name} holds: {len(missing)} entries are "
                f"missing, {len(wrong)} differ, {too_many} are too many{_some(missing + wrong)}"
                f"{'; the source was changed meanwhile' if changed else ''}. Stop what writes to either side, and "
                "run the migration again"
            )

    async def _there(self, chosen: Sequence[_Moved], survey: _Survey) -> Mapping[str, CacheEntry]:
        ids = [moved.id for moved in chosen] if survey.in_target else []
        found = await self._parts.storage.get(ids) if ids else []
        # what has expired there answers nobody, and is replaced
        return {entry.id: entry for entry in found if entry.expires_at is None or entry.expires_at > survey.now}

    async def _pages(self, source: EntrySource, now: float) -> AsyncIterator[list[_Moved | None]]:
        """Every entry as it will be, ``None`` for an expired one."""
        index = 0
        async for page in source.pages():
            yield await asyncio.to_thread(self._moved, page, index, now)
            index += len(page)

    def _moved(self, page: Sequence[NewEntry], start: int, now: float) -> list[_Moved | None]:
        moved: list[_Moved | None] = []
        for index, new in enumerate(page, start):
            draft = self._writer.numbered_draft(new, index)
            times = ("created_at",) * (new.created_at is not None) + ("expires_at",) * (new.expires_at is not UNSET)
            rank = float("-inf") if new.created_at is None else draft.fields["created_at"]
            one = _Moved(draft, times, _sum(draft.fields, times), rank)
            moved.append(None if _expired(one, now) else one)
        return moved

    def _same_vector(self, moved: _Moved, vector: Vector | None) -> bool:
        dimension = self._parts.embeddings.spec.dimension
        if vector is None or vector.shape != (dimension,):
            return False
        if moved.draft.given_vector is None:
            return abs(float(vector @ vector) - 1) <= 1 - _SAME_VECTOR
        given = unit_rows(
            [moved.draft.given_vector], count=1, dimension=dimension, what="a vector", error=MigrationError
        )
        return float(given[0] @ vector) >= _SAME_VECTOR


def _tell_nobody(step: str, done: int, total: int) -> None:
    """The progress of a migration that nobody watches."""


def _first_chosen(page: Sequence[_Moved | None], survey: _Survey, known: set[str]) -> list[_Moved]:
    """Those to keep, each question and scope once."""
    chosen: list[_Moved] = []
    for moved in page:
        if moved is not None and moved.id not in known and survey.chosen(moved):
            known.add(moved.id)
            chosen.append(moved)
    return chosen


def _repeated(page: Sequence[_Moved | None], before: set[str]) -> set[str]:
    """The ids that are twice in the page, or in it and before it."""
    ids = [moved.id for moved in page if moved is not None]
    return {entry_id for entry_id, times in Counter(ids).items() if times > 1 or entry_id in before}


def _fields(entry: CacheEntry) -> Mapping[str, Any]:
    names = (*_CHECKED_FIELDS, "metadata", "created_at", "expires_at")
    return {name: getattr(entry, name) for name in names}


def _sum(fields: Mapping[str, Any], times: Sequence[str]) -> int:
    """A number for the content; sums of these numbers do not depend on the order."""
    content = [*(fields[name] for name in (*_CHECKED_FIELDS, *times)), scope_key(fields["metadata"])]
    return int.from_bytes(blake2b(json.dumps(content).encode(), digest_size=16).digest(), "big")


def _expired(moved: _Moved, now: float) -> bool:
    return moved.expires_at is not None and moved.expires_at <= now


def _some(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids[:_SHOWN_IDS])}{' ...' if len(ids) > _SHOWN_IDS else ''})" if ids else ""
