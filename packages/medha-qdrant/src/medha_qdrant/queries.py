"""The conditions of Medha as filters of Qdrant."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from qdrant_client import models

import medha.facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medha.where import Where

FACTS: Final = "facts"
"""The payload field that holds one token for each thing that ``Where`` may ask to be equal."""
EXPIRES_HIGH: Final = "expires_high"
EXPIRES_LOW: Final = "expires_low"
REVISION: Final = "revision"

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_point_id(entry_id: str) -> bool:
    """Whether Qdrant takes the id, and gives it back letter for letter."""
    return _UUID.fullmatch(entry_id) is not None


# of one length, whatever the text is, so that one index of keywords serves all
facts: Final = functools.partial(medha.facts.facts, digest_size=20)


def instant(seconds: float) -> tuple[int, int]:
    """Two integers that are ordered, the first before the second, exactly as the floats are.

    Qdrant keeps floats as decimal JSON and reads some of them back off by their last bit; integers it keeps.
    """
    bits = medha.facts.instant(seconds)
    return bits >> 32, bits & 0xFFFF_FFFF


def expired(now: float) -> models.Filter:
    """What has an expiry, at or before ``now``."""
    high, low = instant(now)
    same_high = models.Filter(
        must=[
            models.FieldCondition(key=EXPIRES_HIGH, match=models.MatchValue(value=high)),
            models.FieldCondition(key=EXPIRES_LOW, range=models.Range(lte=low)),
        ]
    )
    return models.Filter(should=[models.FieldCondition(key=EXPIRES_HIGH, range=models.Range(lt=high)), same_high])


def matching(where: Where | None, *, alive_at: float | None = None) -> models.Filter | None:
    """What fulfils the conditions and, with ``alive_at``, has not expired by then; ``None`` is everything."""
    must: list[models.Condition] = [] if where is None else list(_conditions(where))
    must_not: list[models.Condition] = [] if alive_at is None else [expired(alive_at)]
    return models.Filter(must=must or None, must_not=must_not or None) if must or must_not else None


def _conditions(where: Where) -> Iterator[models.Condition]:
    if where.ids is not None:
        yield with_ids(where.ids)
    for fact in facts(
        normalized_question=where.normalized_question,
        query_hash=where.query_hash,
        template_id=where.template_id,
        metadata=where.metadata,
    ):
        yield models.FieldCondition(key=FACTS, match=models.MatchValue(value=fact))
    if where.expired_at is not None:
        yield expired(where.expired_at)


def with_ids(ids: Iterable[str]) -> models.HasIdCondition:
    """One of these ids; those that no entry can have are left out."""
    return models.HasIdCondition.model_construct(has_id=[entry_id for entry_id in ids if is_point_id(entry_id)])


def unchanged(entry_id: str, revision: str) -> models.Filter:
    """The entry, if nobody has written it since it had this revision."""
    same = models.FieldCondition(key=REVISION, match=models.MatchValue(value=revision))
    return models.Filter(must=[with_ids([entry_id]), same])
