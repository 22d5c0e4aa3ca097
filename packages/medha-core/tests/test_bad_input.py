"""What the facade refuses: each with its error, and with nothing stored or replaced."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from medha import Medha, NewEntry
from medha.errors import (
    CollectionNotFoundError,
    GenerationError,
    InvalidEntryError,
    InvalidInputError,
    InvalidMetadataError,
    InvalidQueryError,
    InvalidQuestionError,
    InvalidTTLError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from conftest import MakeCache, WatchedBackend

Bad = tuple[Any, str]

BAD_QUESTIONS: Final[list[Bad]] = [
    ("", "the question is empty or blank"),
    (" \t\n\u00a0\u3000", "the question is empty or blank"),
    ("\u200b \ufeff", "the question is empty or blank"),
    ("a" * 8193, r"8,193 characters, more than max_question_length = 8,192; .*MEDHA_MAX_QUESTION_LENGTH"),
    ("a" * 1_000_000, "1,000,000 characters, more than max_question_length"),
    ("a\u0301\u0323" * 350_000, "1,050,000 characters, more than max_question_length"),
    (None, "the question must be a str, not NoneType"),
    (7, "the question must be a str, not int"),
    (b"total", "the question must be a str, not bytes"),
    (["total"], "the question must be a str, not list"),
    ("total\0sales", "NUL character at position 5; remove it"),
    ("total \ud800", "lone surrogate at position 6: .*decode the original bytes as UTF-8"),
]
BAD_QUERIES: Final[list[Bad]] = [
    ("", "the generated query is empty or blank"),
    (" \n", "the generated query is empty or blank"),
    (None, "the generated query must be a str, not NoneType"),
    (b"SELECT 1", "the generated query must be a str, not bytes"),
    ("SELECT '\0'", "the generated query holds a NUL character at position 8"),
    ("SELECT '\udfff'", "the generated query holds a lone surrogate at position 8"),
    ("x" * 1_000_001, "1,000,001 characters, more than 1,000,000"),
]
BAD_TTLS: Final[list[Bad]] = [
    (0, "positive, finite number of seconds, not 0; None never expires"),
    (-1, "positive, finite number of seconds, not -1"),
    (-0.5, "positive, finite number"),
    (True, "a number of seconds or None, not bool"),
    ("60", "a number of seconds or None, not str: '60'"),
    (float("nan"), "positive, finite number of seconds, not nan"),
    (float("inf"), "positive, finite number of seconds, not inf"),
    (10**400, "positive, finite number"),
    ([60], "not list"),
]
BAD_METADATA: Final[list[Bad]] = [
    ({"tenant": {"id": 1}}, r"\['tenant'\] is dict; only flat str, int, float and bool"),
    ({"tenant": ["a"]}, r"\['tenant'\] is list; only flat"),
    ({"tenant": None}, r"\['tenant'\] is NoneType; only flat"),
    ({"tenant": b"a"}, r"\['tenant'\] is bytes; only flat"),
    ({f"k{i}": i for i in range(33)}, "has 33 keys, more than 32"),
    ({"tenant": "x" * 1025}, r"\['tenant'\] has 1,025 characters, more than 1,024"),
    ({"share": float("nan")}, r"\['share'\] is nan; only finite numbers"),
    ({"share": float("-inf")}, r"\['share'\] is -inf; only finite numbers"),
    ({"number": 2**53 + 1}, r"\['number'\] is beyond 2\*\*53; pass it as a str"),
    ({"number": -(10**400)}, r"\['number'\] is beyond 2\*\*53"),
    ({"": 1}, "key '' is not a name: letters, digits"),
    ({"a b": 1}, "key 'a b' is not a name"),
    ({"1a": 1}, "key '1a' is not a name"),
    ({"a\n": 1}, r"key 'a\\n' is not a name"),
    ({"é": 1}, "key 'é' is not a name"),
    ({"k" * 65: 1}, "is not a name: .*at most 64 characters"),
    ({7: 1}, "key 7 is not a name"),
    ({"tenant": "a\0"}, r"\['tenant'\] holds a NUL character at position 1"),
    ({"tenant": "\ud800"}, r"\['tenant'\] holds a lone surrogate at position 0"),
    ([("tenant", 1)], "must be a mapping of names to values, not list"),
    ("tenant", "must be a mapping of names to values, not str"),
    (7, "must be a mapping of names to values, not int"),
    (dict, "must be a mapping of names to values, not type"),
]
BAD_ENTRIES: Final[list[Bad]] = [
    ("total sales", "an entry must be a NewEntry or a mapping, not str"),
    (None, "an entry must be a NewEntry or a mapping, not NoneType"),
    (("q", "SELECT 1"), "an entry must be a NewEntry or a mapping, not tuple"),
    ({"question": "q"}, "the field 'generated_query' is missing"),
    ({"generated_query": "SELECT 1"}, "the field 'question' is missing"),
    ({"question": "q", "query": "SELECT 1", "answer": "x"}, "'answer' is not a field of an entry; they are created_at"),
    ({"question": "q", "query": "SELECT 1", 7: "x"}, "7 is not a field of an entry"),
    ({"question": "q", "query": "SELECT 1", "sql": "SELECT 2"}, "'generated_query' is given twice, .*as 'sql'"),
    ({"question": "q", "original_question": "r", "sql": "SELECT 2"}, "'question' is given twice"),
    (NewEntry(question="q", generated_query="SELECT 1", created_at=float("nan")), "created_at must be finite seconds"),
    (NewEntry(question="q", generated_query="SELECT 1", expires_at=10**400), "expires_at must be finite seconds"),
    (NewEntry(question="q", generated_query="SELECT 1", feedback_correct=-1), "feedback_correct must be an int of 0"),
    (NewEntry(question="q", generated_query="SELECT 1", feedback_incorrect=True), "feedback_incorrect must be an int"),
    (NewEntry(question="q", generated_query="SELECT 1", template_id=""), "template_id must have 1 to 256 characters"),
]


def _shown(bad: Bad) -> str:
    return f"{bad[0]!r:.30}"


@asynccontextmanager
async def _nothing_changes(cache: Medha) -> AsyncGenerator[None, None]:
    """One entry is stored first; whatever the block refuses, it is all there is and is still served."""
    await cache.store("total sales", "SELECT 'kept'", ttl=None)
    yield
    assert await cache.count() == 1
    hit = await cache.search("total sales")
    assert hit.generated_query == "SELECT 'kept'"


@pytest.mark.parametrize("bad", BAD_QUESTIONS, ids=_shown)
async def test_a_bad_question_is_refused_by_every_method(cache: Medha, bad: Bad) -> None:
    question, message = bad
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: cache.store(question, "SELECT 1"),
        lambda: cache.search(question),
        lambda: cache.search_batch(["total sales", question]),
        lambda: cache.explain(question),
        lambda: cache.get_or_generate(question, lambda _: "SELECT 1"),
        lambda: cache.invalidate(question),
        lambda: cache.feedback(question, correct=True),
    ]
    async with _nothing_changes(cache):
        for call in calls:
            with pytest.raises(InvalidQuestionError, match=message):
                await call()


@pytest.mark.parametrize(
    "question",
    [
        "🎸🎸 sales?",
        "👩\u200d🚀",
        "ما هو المجموع؟",
        "\u202eתוספת\u202c 2019",
        "\u200fsales",
        "e\u0301\u0323",
        "a" * 8192,
        "?!",
        "' OR 1=1 --",
        "\x1b[31m",
    ],
    ids=lambda question: f"{question!r:.20}",
)
async def test_a_question_in_any_script_is_stored_and_served(cache: Medha, question: str) -> None:
    await cache.store(question, "SELECT 1")
    assert (await cache.search(question)).generated_query == "SELECT 1"
    assert [hit.matched_question for hit in await cache.search_batch([question])] == [question]


async def test_a_question_of_a_megabyte_is_served_where_the_setting_allows_it(make_cache: MakeCache) -> None:
    async with make_cache(max_question_length=1_000_000) as cache:
        question = "show me " * 124_999 + "the sum"
        await cache.store(question, "SELECT 1")
        assert (await cache.search(question)).generated_query == "SELECT 1"


@pytest.mark.parametrize("bad", BAD_QUERIES, ids=_shown)
async def test_a_bad_query_is_refused_wherever_it_comes_from(cache: Medha, bad: Bad) -> None:
    query, message = bad
    async with _nothing_changes(cache):
        with pytest.raises(InvalidQueryError, match=message):
            await cache.store("total sales", query)
        with pytest.raises(InvalidEntryError, match=f"entry 0 was refused, nothing was stored: .*{message}"):
            await cache.store_many([NewEntry(question="total sales", generated_query=query)])
        with pytest.raises(GenerationError, match=f"generate returned no query: .*{message}"):
            await cache.get_or_generate("total cost", lambda _: query)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"response_summary": 7}, "response_summary must be a str, not int"),
        ({"response_summary": "\0"}, "response_summary holds a NUL"),
        ({"response_summary": "x" * 1_000_001}, "response_summary has 1,000,001 characters"),
        ({"template_id": 7}, "template_id must be a str, not int"),
        ({"template_id": ""}, "template_id must have 1 to 256 characters"),
        ({"template_id": "x" * 257}, "template_id must have 1 to 256 characters"),
        ({"template_id": "\ud800"}, "template_id holds a lone surrogate"),
    ],
)
async def test_a_bad_summary_or_template_id_is_refused(cache: Medha, options: Any, message: str) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match=message):
            await cache.store("total sales", "SELECT 1", **options)


@pytest.mark.parametrize("bad", BAD_TTLS, ids=_shown)
async def test_a_bad_ttl_is_refused_wherever_it_is_given(cache: Medha, bad: Bad) -> None:
    ttl, message = bad
    row = {"question": "total sales", "query": "SELECT 1"}
    async with _nothing_changes(cache):
        with pytest.raises(InvalidTTLError, match=message):
            await cache.store("total sales", "SELECT 1", ttl=ttl)
        with pytest.raises(InvalidTTLError, match=message):
            await cache.get_or_generate("total sales", lambda _: "SELECT 1", ttl=ttl)
        with pytest.raises(InvalidEntryError, match=message):
            await cache.store_many([row], ttl=ttl)
        with pytest.raises(InvalidEntryError, match=message):
            await cache.store_many([row | {"ttl": ttl}])


@pytest.mark.parametrize("bad", BAD_METADATA, ids=_shown)
async def test_bad_metadata_and_bad_filters_are_refused(cache: Medha, bad: Bad) -> None:
    metadata, message = bad
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: cache.search("total sales", filters=metadata),
        lambda: cache.search_batch(["total sales"], filters=metadata),
        lambda: cache.explain("total sales", filters=metadata),
        lambda: cache.get_or_generate("total sales", lambda _: "SELECT 1", filters=metadata),
        lambda: cache.invalidate("total sales", filters=metadata),
        lambda: cache.feedback("total sales", correct=True, filters=metadata),
        lambda: cache.export_to_dataframe(filters=metadata),
    ]
    async with _nothing_changes(cache):
        with pytest.raises(InvalidMetadataError, match=f"metadata.*{message}"):
            await cache.store("total sales", "SELECT 1", metadata=metadata)
        with pytest.raises(InvalidEntryError, match=f"entry 0 .*{message}"):
            await cache.store_many([{"question": "total sales", "query": "SELECT 1", "metadata": metadata}])
        for call in calls:
            with pytest.raises(InvalidMetadataError, match=f"filters.*{message}"):
                await call()


@pytest.mark.parametrize("empty", [[], "", 0, False])
async def test_an_empty_thing_that_is_no_mapping_is_no_filter_either(cache: Medha, empty: Any) -> None:
    with pytest.raises(InvalidMetadataError, match="filters must be a mapping"):
        await cache.search("total sales", filters=empty)


@pytest.mark.parametrize("bad", BAD_ENTRIES, ids=_shown)
async def test_a_bad_entry_is_refused_with_its_index_before_any_is_written(cache: Medha, bad: Bad) -> None:
    entry, message = bad
    good = [{"question": f"total of {i}", "query": "SELECT 1"} for i in range(40)]
    async with _nothing_changes(cache):
        with pytest.raises(
            InvalidEntryError, match=f"entry 40 was refused, nothing was stored: .*{message}"
        ) as refused:
            await cache.store_many([*good, entry, *good], batch_size=1)
        assert refused.value.index == 40


@pytest.mark.parametrize("entries", [None, 7, object()])
async def test_what_is_no_sequence_of_entries_or_questions_is_refused(cache: Medha, entries: Any) -> None:
    with pytest.raises(InvalidInputError, match="store_many takes an iterable of entries, not"):
        await cache.store_many(entries)
    with pytest.raises(InvalidInputError, match=r"search_batch takes a sequence of questions, not one .*; use search"):
        await cache.search_batch(entries)


async def test_one_question_is_no_batch(cache: Medha) -> None:
    with pytest.raises(InvalidInputError, match="search_batch takes a sequence of questions, not one str; use search"):
        await cache.search_batch("total sales")


@pytest.mark.parametrize("size", [0, -1, True, "5", 2.0, float("nan")])
async def test_a_bad_batch_size_is_refused(cache: Medha, size: Any) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match="batch_size must be a positive int, not"):
            await cache.store_many([{"question": "total sales", "query": "SELECT 1"}], batch_size=size)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a collection name has 1 to 200 characters"),
        ("  ", "a collection name has 1 to 200 characters, not all of them blank"),
        ("x" * 201, "a collection name has 1 to 200 characters"),
        ("a\0b", "the collection name holds a NUL character at position 1"),
        ("\ud800", "the collection name holds a lone surrogate"),
        (7, "the collection name must be a str, not int"),
    ],
)
async def test_a_bad_collection_name_is_refused(cache: Medha, make_cache: MakeCache, name: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        make_cache(name)
    for call in (cache.invalidate_collection, cache.expire, cache.dedup_collection):
        with pytest.raises(InvalidInputError, match=message):
            await call(name)


async def test_a_collection_that_was_never_made_is_an_error(cache: Medha) -> None:
    async with _nothing_changes(cache):
        for call in (cache.invalidate_collection, cache.expire, cache.dedup_collection):
            with pytest.raises(CollectionNotFoundError, match="'elsewhere'"):
                await call("elsewhere")


@pytest.mark.parametrize("correct", [1, 0, "yes", None, np.True_])
async def test_feedback_is_true_or_false(cache: Medha, backend: WatchedBackend, correct: Any) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match="correct must be True or False, not"):
            await cache.feedback("total sales", correct)
    entries = (await backend.scroll("tests")).entries
    assert [(entry.feedback_correct, entry.feedback_incorrect) for entry in entries] == [(0, 0)]


@pytest.mark.parametrize("strategy", ["latest", "", None, ["keep_latest"]])
async def test_an_unknown_dedup_strategy_is_refused(cache: Medha, strategy: Any) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match=r"no dedup strategy .*; they are 'keep_latest', 'keep_first'"):
            await cache.dedup_collection(strategy=strategy)


@pytest.mark.parametrize("value", [None, 7, b"x", "a\0"])
async def test_a_query_hash_or_template_id_to_invalidate_is_a_text(cache: Medha, value: Any) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match="query_hash"):
            await cache.invalidate_by_query_hash(value)
        with pytest.raises(InvalidInputError, match="template_id"):
            await cache.invalidate_by_template(value)


@pytest.mark.parametrize("generate", [None, "SELECT 1", 7])
async def test_what_generates_must_be_a_function(cache: Medha, generate: Any) -> None:
    async with _nothing_changes(cache):
        with pytest.raises(InvalidInputError, match="generate must be a function of the question, not"):
            await cache.get_or_generate("total cost", generate)
