"""The documents of one index."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from azure.search.documents import IndexDocumentsBatch
from azure.search.documents.models import VectorizedQuery

from medha.errors import BackendTimeoutError, BackendWriteError
from medha_azure_search import queries
from medha_azure_search.documents import READ, READ_PLACES, encoded, tally_document, to_stored_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
    from weakref import WeakValueDictionary

    from medha.models import Vector
    from medha.tallies import Row, Tally
    from medha_azure_search.errors import Doing
    from medha_azure_search.service import Service

_KEYS_AT_ONCE: Final = 1000
_INLINE_DOCUMENTS: Final = 10
"""More than these are measured in a thread, with the event loop free meanwhile."""
_LARGEST_REQUEST: Final = 16_000_000
_AGAIN: Final = frozenset({409, 422, 429, 503})
"""What a document of a batch is answered that should be sent again: a conflict, or too much to do."""
_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 4.0)
_LOOKS: Final = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between two looks whether a write is visible; the last one again and again."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads and writes documents, and waits until a write is seen."""

    service: Service
    name: str
    """Of the index."""
    doing: Doing
    locks: WeakValueDictionary[str, asyncio.Lock]
    """One for each document that is being written: only then it is plain which version must be seen."""

    async def page(self, condition: str, after: str | None, limit: int, select: Sequence[str] = READ) -> list[Any]:
        """Documents in the order of their keys, from behind ``after``: that knows no limit, as skipping does."""
        if after is not None:
            condition = queries.every(condition, queries.after(after))
        return await self._found(filter=condition, order_by=["key asc"], top=limit, select=[*select])

    async def all_of(
        self, condition: str, field: str, values: Sequence[str], select: Sequence[str] = READ
    ) -> list[Any]:
        """Every document that fulfils the condition and has one of the values."""
        found: list[Any] = []
        # without values too the service is asked: an index that is not there is an error
        for start in range(0, max(len(values), 1), _KEYS_AT_ONCE):
            within = queries.among(field, values[start : start + _KEYS_AT_ONCE])
            both = queries.every(condition, within) if condition else within
            after: str | None = None
            while True:
                page = await self.page(both, after, queries.MOST, select)
                found += page
                if len(page) < queries.MOST:
                    break
                after = page[-1]["key"]
        return found

    async def closest(
        self, vector: Vector, condition: str, limit: int, min_similarity: float
    ) -> list[tuple[Row, float]]:
        """The closest documents that fulfil the condition, with their similarity."""
        query = VectorizedQuery(
            vector=vector.tolist(),
            k_nearest_neighbors=limit,
            fields="vector",
            exhaustive=self.service.settings.exhaustive,
        )
        found = await self._found(
            vector_queries=[query], vector_filter_mode="preFilter", filter=condition, top=limit, select=[*READ]
        )
        closest = [(document, queries.similarity(document["@search.score"])) for document in found]
        return [(to_stored_row(document), near) for document, near in closest if near >= min_similarity]

    async def count(self, condition: str) -> int:
        """How many documents fulfil the condition."""
        results = await self._client.search(
            filter=condition, top=0, include_total_count=True, session_id=self.service.session
        )
        return await results.get_count() or 0

    async def put(self, documents: Mapping[str, dict[str, Any]], before: Mapping[str, str]) -> None:
        """Store the documents by their keys, and wait until they are seen; ``before`` are the versions seen so far."""
        sent = [{"@search.action": "upload", **document} for document in documents.values()]
        await self._send(sent)
        await self._seen(
            documents,
            lambda seen: all(key in seen and _version(seen[key]) != before.get(key) for key in documents),
        )

    async def remove(self, versions: Mapping[str, str]) -> None:
        """Remove the documents with these keys, and wait until these versions of them are no longer seen."""
        await self._send([{"@search.action": "delete", "key": key} for key in versions])
        await self._seen(
            versions, lambda seen: all(_version(seen.get(key)) != version for key, version in versions.items())
        )

    @asynccontextmanager
    async def alone_with(self, keys: Iterable[str]) -> AsyncGenerator[None]:
        """Nobody else in this process writes these documents meanwhile."""
        async with AsyncExitStack() as stack:
            # always in the same order, so that nobody waits for each other
            for key in sorted(set(keys)):
                await stack.enter_async_context(self.locks.setdefault(f"{self.name}/{key}", asyncio.Lock()))
            yield

    async def with_tallies(self, owner: str) -> list[Row]:
        """The entry and its tallies."""
        return [to_stored_row(document) for document in await self.all_of("", "owner", [owner])]

    async def mark_rated(self, owner: str) -> bool:
        """Set ``rated``, and nothing else; false when the entry is gone."""
        merged = {"@search.action": "merge", "key": owner, "rated": True}
        if not await self._send([merged], may_be_absent=True):
            return False
        # another process may have replaced it or removed it meanwhile
        seen = await self._seen([owner], lambda seen: owner not in seen or seen[owner]["rated"])
        return owner in seen

    async def put_tally(self, tally: Tally) -> None:
        """Store the tally in place of the one with its key."""
        version = uuid.uuid4().hex
        await self._send([{"@search.action": "upload", **tally_document(tally, version)}])
        # without its entry a tally goes too
        await self._seen(
            [tally.key, tally.owner],
            lambda seen: tally.owner not in seen or _version(seen.get(tally.key)) == version,
        )

    async def _found(self, **asked: Any) -> list[Any]:
        return [one async for one in await self._client.search(session_id=self.service.session, **asked)]

    @property
    def _client(self) -> Any:
        return self.service.documents(self.name)

    async def _send(self, actions: Sequence[dict[str, Any]], *, may_be_absent: bool = False) -> bool:
        """Send the actions in as many requests as they need; false when a document to be merged is absent."""
        if len(actions) > _INLINE_DOCUMENTS:
            batches = await asyncio.to_thread(lambda: list(self._in_requests(actions)))
        else:
            batches = list(self._in_requests(actions))
        for batch in batches:
            left = batch
            for pause in (*_PAUSES, None):
                answers = await self._once(left)
                refused = [answer for answer in answers if answer.status_code >= 400]
                if may_be_absent and any(answer.status_code == 404 for answer in refused):
                    return False
                for answer in refused:
                    if pause is None or answer.status_code not in _AGAIN:
                        raise self.doing.refusal(answer.status_code, answer.error_message or "")
                if not refused or pause is None:
                    break
                again = {answer.key for answer in refused}
                left = [action for action in left if action["key"] in again]
                await asyncio.sleep(pause)
        return True

    async def _once(self, actions: Sequence[dict[str, Any]]) -> Sequence[Any]:
        batch: Any = IndexDocumentsBatch()
        add: dict[str, Any] = {
            "upload": batch.add_upload_actions,
            "merge": batch.add_merge_actions,
            "delete": batch.add_delete_actions,
        }
        for action in actions:
            document = {name: value for name, value in action.items() if name != "@search.action"}
            add[action["@search.action"]]([document])
        return await self._client.index_documents(batch)

    async def _seen(self, keys: Iterable[str], enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look until what is seen of these documents is enough; returns that."""
        wanted, looks = list(keys), iter(_LOOKS)
        loop, pause = asyncio.get_running_loop(), 0.0
        until = loop.time() + self.service.settings.visible_within
        while True:
            found = await self.all_of("", "key", wanted, READ_PLACES)
            seen = {document["key"]: document for document in found}
            if enough(seen):
                return seen
            if loop.time() > until:
                raise BackendTimeoutError(
                    f"{self.doing}: the service took the write, but searches did not see it within "
                    f"{self.service.settings.visible_within:g} seconds. Look at its load, or raise "
                    "MEDHA_AZURE_SEARCH_VISIBLE_WITHIN"
                )
            pause = next(looks, pause)
            await asyncio.sleep(pause)

    def _in_requests(self, actions: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] = []
        size, most = 0, self.service.settings.max_request_bytes
        for action in actions:
            more = len(encoded(action)) + 1
            if more > _LARGEST_REQUEST:
                raise BackendWriteError(
                    f"{self.doing}: the entry {action['key']!r} takes {more} bytes, more than the 16 MB that the "
                    "service takes in one request; nothing was stored. Shorten its texts"
                )
            if batch and (size + more > most or len(batch) == queries.MOST):
                yield batch
                batch, size = [], 0
            batch.append(action)
            size += more
        if batch:
            yield batch


def _version(document: Mapping[str, Any] | None) -> str | None:
    return None if document is None else document["version"]
