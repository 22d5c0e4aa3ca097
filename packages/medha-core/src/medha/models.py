"""The values that travel between the parts: frozen, and free of behaviour beyond reading themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]
    Vectors: TypeAlias = npt.NDArray[np.float32]

    from medha.errors import MedhaError

Scalar: TypeAlias = str | int | float | bool
Metadata: TypeAlias = Mapping[str, Scalar]

NO_METADATA: Final[Metadata] = MappingProxyType({})


def no_metadata() -> Metadata:
    """The one empty mapping; a factory, since dataclasses refuse it as a default."""
    return NO_METADATA


class Unset(Enum):
    """The type of ``UNSET``, which is not ``None``: a ttl of ``None`` means "never expires"."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET


class SearchStrategy(StrEnum):
    """Which tier answered, or why there is an answer at all."""

    L1_CACHE = "l1_cache"
    EXACT_MATCH = "exact_match"
    TEMPLATE_MATCH = "template_match"
    LEARNED_TEMPLATE = "learned_template"
    SEMANTIC_MATCH = "semantic_match"
    FUZZY_MATCH = "fuzzy_match"
    REVIEWED_MATCH = "reviewed_match"
    GENERATED = "generated"
    NO_MATCH = "no_match"


_ANSWERED_FROM_CACHE: Final = frozenset(SearchStrategy) - {SearchStrategy.GENERATED, SearchStrategy.NO_MATCH}


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class CacheEntry:
    """A stored question with its query.

    Times are seconds since the epoch; an entry has expired when ``expires_at <= now``. ``vector`` is a unit
    float32 row of the collection's dimension; a backend may leave it ``None`` in what it returns, unless
    vectors were asked for.
    """

    id: str
    question: str
    normalized_question: str
    generated_query: str
    query_hash: str
    created_at: float
    expires_at: float | None
    response_summary: str | None
    template_id: str | None
    metadata: Metadata
    feedback_correct: int
    feedback_incorrect: int
    vector: Vector | None = field(compare=False, repr=False)

    # written out: the one that dataclasses makes for a frozen class takes three times as long, and bulk writes make two
    # a row
    def __init__(
        self,
        *,
        id: str,  # noqa: A002
        question: str,
        normalized_question: str,
        generated_query: str,
        query_hash: str,
        created_at: float,
        expires_at: float | None = None,
        response_summary: str | None = None,
        template_id: str | None = None,
        metadata: Metadata = NO_METADATA,
        feedback_correct: int = 0,
        feedback_incorrect: int = 0,
        vector: Vector | None = None,
    ) -> None:
        _put_id(self, id)
        _put_question(self, question)
        _put_normalized_question(self, normalized_question)
        _put_generated_query(self, generated_query)
        _put_query_hash(self, query_hash)
        _put_created_at(self, created_at)
        _put_expires_at(self, expires_at)
        _put_response_summary(self, response_summary)
        _put_template_id(self, template_id)
        _put_metadata(self, metadata)
        _put_feedback_correct(self, feedback_correct)
        _put_feedback_incorrect(self, feedback_incorrect)
        _put_vector(self, vector)

    def expired(self, now: float) -> bool:
        """Whether the entry's time is over at ``now``."""
        return self.expires_at is not None and self.expires_at <= now

    def with_vector(self, vector: Vector | None) -> CacheEntry:
        """The same entry with this vector, or without one."""
        # several times faster than dataclasses.replace
        return CacheEntry(
            id=self.id,
            question=self.question,
            normalized_question=self.normalized_question,
            generated_query=self.generated_query,
            query_hash=self.query_hash,
            created_at=self.created_at,
            expires_at=self.expires_at,
            response_summary=self.response_summary,
            template_id=self.template_id,
            metadata=self.metadata,
            feedback_correct=self.feedback_correct,
            feedback_incorrect=self.feedback_incorrect,
            vector=vector,
        )


# the slots themselves, which a frozen class does not let itself be set by
_put_id = CacheEntry.__dict__["id"].__set__
_put_question = CacheEntry.__dict__["question"].__set__
_put_normalized_question = CacheEntry.__dict__["normalized_question"].__set__
_put_generated_query = CacheEntry.__dict__["generated_query"].__set__
_put_query_hash = CacheEntry.__dict__["query_hash"].__set__
_put_created_at = CacheEntry.__dict__["created_at"].__set__
_put_expires_at = CacheEntry.__dict__["expires_at"].__set__
_put_response_summary = CacheEntry.__dict__["response_summary"].__set__
_put_template_id = CacheEntry.__dict__["template_id"].__set__
_put_metadata = CacheEntry.__dict__["metadata"].__set__
_put_feedback_correct = CacheEntry.__dict__["feedback_correct"].__set__
_put_feedback_incorrect = CacheEntry.__dict__["feedback_incorrect"].__set__
_put_vector = CacheEntry.__dict__["vector"].__set__


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHit:
    """What a lookup returns, hit or miss; true only when the cache answered.

    ``similarity`` is the raw cosine in [-1, 1] where a vector was compared; ``confidence`` is in [0, 1]. A miss
    has no query and says why in ``reason``; ``error`` is the fault that a lookup survived because
    ``on_backend_error`` is "miss". ``parameters`` are the values that a template took from the question: they stand in
    the query already, unless it has placeholders for them. An answer that ``get_or_generate`` just made has a query but
    is not a hit.
    """

    strategy: SearchStrategy
    reason: str
    generated_query: str | None = None
    response_summary: str | None = None
    confidence: float = 0.0
    matched_question: str | None = None
    similarity: float | None = None
    entry_id: str | None = None
    template_used: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=no_metadata)
    metadata: Metadata = field(default_factory=no_metadata)
    expires_at: float | None = None
    error: MedhaError | None = None

    def __bool__(self) -> bool:
        return self.strategy in _ANSWERED_FROM_CACHE


@dataclass(slots=True, kw_only=True)
class NewEntry:
    """A question with its query, to be stored by ``store_many``.

    ``vector`` saves the embedding when it was made by the collection's own model. ``expires_at`` (seconds since the
    epoch) wins over ``ttl``; the last four fields are what an export carries so that warming restores it.
    """

    question: str
    generated_query: str
    response_summary: str | None = None
    template_id: str | None = None
    ttl: float | Unset | None = UNSET
    metadata: Metadata = field(default_factory=no_metadata)
    vector: Sequence[float] | Vector | None = field(default=None, compare=False, repr=False)
    created_at: float | None = None
    expires_at: float | Unset | None = UNSET
    feedback_correct: int = 0
    feedback_incorrect: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSpec:
    """What a collection is made for: one embedding model and its dimension."""

    dimension: int
    model_name: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that a vector search found, with its raw cosine in [-1, 1]."""

    entry: CacheEntry
    similarity: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a scroll; ``cursor`` is ``None`` on the last one."""

    entries: Sequence[CacheEntry]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the tiers and guards see it: as it was asked, and normalised."""

    text: str
    normalized: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that a tier proposes, with what speaks for it."""

    entry: CacheEntry
    question: Question
    similarity: float
    now: float | None = None
    """The instant of the lookup, in seconds since the epoch; ``None`` where nobody said it."""
    filters: Metadata = field(default_factory=no_metadata)
    """The scope that the lookup names; the entry is of that scope."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard or reviewer says of a candidate; a rejection always says why.

    A guard whose rejection is caution rather than knowledge makes it ``reviewable``: a reviewer may then accept.
    """

    accepted: bool
    reason: str = ""
    reviewable: bool = False


ACCEPTED: Final = Verdict(accepted=True)


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """A verdict with the name of the guard that gave it."""

    guard: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ConsideredCandidate:
    """A candidate in a decision record: what a tier made of it."""

    tier: str
    entry_id: str
    question: str
    generated_query: str
    similarity: float
    verdicts: tuple[GuardVerdict, ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class TierTrace:
    """One tier in a decision record."""

    tier: str
    answered: bool
    reason: str
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How one lookup was decided: every tier tried, every candidate considered, every verdict."""

    question: str
    normalized_question: str
    filters: Metadata
    hit: CacheHit
    tiers: tuple[TierTrace, ...]
    candidates: tuple[ConsideredCandidate, ...]
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain JSON-able values."""
        from medha.jsonable import to_jsonable

        return to_jsonable(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackResult:
    """What became of one ``feedback`` call; true when an entry was found for it."""

    entry_id: str | None
    correct: int
    incorrect: int
    removed: bool

    def __bool__(self) -> bool:
        return self.entry_id is not None
