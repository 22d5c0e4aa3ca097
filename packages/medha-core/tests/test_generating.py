"""A miss is generated once, whoever asks and whatever fails."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from medha import Medha, MedhaSync, SearchStrategy
from medha.errors import BackendUnavailableError, GenerationError, InvalidInputError, InvalidTTLError

if TYPE_CHECKING:
    from conftest import Clock, MakeCache, WatchedBackend, WordsEmbedder

QUESTION = "How many albums did Queen release?"


class Model:
    """Stands where a language model would: counts its calls, waits until told to go on, fails when told to."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[str] = []
        self.failures = failures
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def generate(self, question: str) -> str:
        self.calls.append(question)
        self.asked.set()
        await self.go.wait()
        if len(self.calls) <= self.failures:
            raise RuntimeError(f"failure {len(self.calls)}")
        return f"SELECT {len(self.calls)}"


async def test_many_tasks_share_one_generation(cache: Medha) -> None:
    model = Model()
    tasks = [asyncio.create_task(cache.get_or_generate(QUESTION, model.generate)) for _ in range(100)]
    await model.asked.wait()
    model.go.set()
    hits = await asyncio.gather(*tasks)
    assert model.calls == [QUESTION]
    assert {hit.generated_query for hit in hits} == {"SELECT 1"}
    assert all(hit.strategy is SearchStrategy.GENERATED and not hit for hit in hits)
    assert cache.stats().generated == 1
    later = await cache.get_or_generate(QUESTION, model.generate)
    assert later
    assert later.generated_query == "SELECT 1"


async def test_different_questions_and_scopes_generate_apart(cache: Medha) -> None:
    model = Model()
    model.go.set()
    await asyncio.gather(
        cache.get_or_generate(QUESTION, model.generate),
        cache.get_or_generate("Another one", model.generate),
        cache.get_or_generate(QUESTION, model.generate, filters={"tenant": "acme"}),
    )
    assert len(model.calls) == 3
    assert await cache.search(QUESTION, filters={"tenant": "acme"})


async def test_a_failing_leader_gets_its_error_and_the_next_one_leads(cache: Medha) -> None:
    model = Model(failures=2)
    tasks = [asyncio.create_task(cache.get_or_generate(QUESTION, model.generate)) for _ in range(10)]
    await model.asked.wait()
    model.go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [str(error) for error in errors] == ["failure 1", "failure 2"]
    assert len(model.calls) == 3
    assert {hit.generated_query for hit in outcomes if not isinstance(hit, BaseException)} == {"SELECT 3"}


async def test_a_cancelled_leader_does_not_harm_the_others(cache: Medha) -> None:
    model = Model()
    tasks = [asyncio.create_task(cache.get_or_generate(QUESTION, model.generate)) for _ in range(5)]
    await model.asked.wait()
    tasks[0].cancel()
    model.go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert {hit.generated_query for hit in outcomes[1:] if not isinstance(hit, BaseException)} == {"SELECT 2"}
    assert len(model.calls) == 2


async def test_a_cancelled_follower_harms_nobody(cache: Medha) -> None:
    model = Model()
    tasks = [asyncio.create_task(cache.get_or_generate(QUESTION, model.generate)) for _ in range(5)]
    await model.asked.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    tasks[3].cancel()
    model.go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert model.calls == [QUESTION]
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 1


async def test_an_answer_stored_between_the_lookup_and_the_lead_is_not_generated_again(
    cache: Medha, backend: WatchedBackend
) -> None:
    model = Model()
    model.go.set()
    backend.hold = asyncio.Event()
    asking = asyncio.create_task(cache.get_or_generate(QUESTION, model.generate))
    await backend.held.wait()
    await cache.store(QUESTION, "SELECT 'stored meanwhile'")
    backend.hold.set()
    assert (await asking).generated_query == "SELECT 'stored meanwhile'"
    assert model.calls == []


async def test_a_plain_function_runs_off_the_event_loop(cache: Medha) -> None:
    threads: list[int] = []

    def generate(question: str) -> str:
        threads.append(threading.get_ident())
        return "SELECT 1"

    await cache.get_or_generate(QUESTION, generate)
    assert threads != [threading.get_ident()]


@pytest.mark.parametrize("made", [None, "", "  ", 7, b"SELECT 1", "SELECT \x00"])
async def test_what_is_not_a_query_is_refused_and_not_stored(cache: Medha, made: object) -> None:
    with pytest.raises(GenerationError, match="generate returned no query"):
        await cache.get_or_generate(QUESTION, lambda _: made)  # pyright: ignore[reportArgumentType,reportUnknownLambdaType]
    assert await cache.count() == 0


async def test_a_function_that_raises_stop_iteration_keeps_nobody_waiting(cache: Medha) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(GenerationError, match="raised StopIteration"):
            await cache.get_or_generate(QUESTION, lambda _: next(iter(list[str]())))


async def test_bad_arguments_are_refused_before_anything_is_generated(cache: Medha) -> None:
    model = Model()
    with pytest.raises(InvalidTTLError):
        await cache.get_or_generate(QUESTION, model.generate, ttl=-1)
    with pytest.raises(InvalidInputError, match="generate must be a function"):
        await cache.get_or_generate(QUESTION, "SELECT 1")  # pyright: ignore[reportArgumentType]
    assert model.calls == []


async def test_ttl_and_filters_are_those_of_the_stored_entry(cache: Medha, clock: Clock) -> None:
    model = Model()
    model.go.set()
    await cache.get_or_generate(QUESTION, model.generate, ttl=60, filters={"tenant": "acme"})
    hit = await cache.search(QUESTION, filters={"tenant": "acme"})
    assert hit.expires_at == clock.now + 60
    assert not await cache.search(QUESTION, filters={"tenant": "globex"})


async def test_where_faults_are_misses_a_generated_answer_survives_a_backend_that_is_down(
    make_cache: MakeCache, backend: WatchedBackend
) -> None:
    model = Model()
    model.go.set()
    async with make_cache(on_backend_error="miss") as cache:
        backend.down = True
        hit = await cache.get_or_generate(QUESTION, model.generate)
        assert hit.generated_query == "SELECT 1"
        assert isinstance(hit.error, BackendUnavailableError)
        assert "storing failed" in hit.reason


@pytest.mark.parametrize("remove", ["invalidate", "invalidate_collection", "store"])
async def test_an_answer_generated_before_an_invalidation_is_given_but_not_stored_after_it(
    cache: Medha, remove: str
) -> None:
    async def generate(question: str) -> str:
        if remove == "store":
            await cache.store(question, "SELECT 'newer'")
        elif remove == "invalidate":
            await cache.invalidate(question)
        else:
            await cache.invalidate_collection()
        return "SELECT 'older'"

    hit = await cache.get_or_generate("tracks", generate)
    assert hit.generated_query == "SELECT 'older'"
    assert hit.entry_id is None
    assert "not stored, since it was invalidated meanwhile" in hit.reason
    assert (await cache.search("tracks")).generated_query == ("SELECT 'newer'" if remove == "store" else None)


async def test_asking_for_the_same_question_inside_generate_is_an_error_instead_of_waiting_for_ever(
    cache: Medha,
) -> None:
    async def generate(question: str) -> str:
        return (await cache.get_or_generate(f"please show me {question}", generate)).generated_query or ""

    with pytest.raises(GenerationError, match="asks the cache for the very question"):
        await cache.get_or_generate("show me tracks", generate)


async def test_asking_for_another_question_inside_generate_is_fine(cache: Medha) -> None:
    async def generate(question: str) -> str:
        if question == "albums":
            return "SELECT 1"
        return f"{(await cache.get_or_generate('albums', generate)).generated_query} + 1"

    assert (await cache.get_or_generate("tracks", generate)).generated_query == "SELECT 1 + 1"


async def test_cached_wraps_async_and_plain_functions(cache: Medha) -> None:
    model = Model()
    model.go.set()

    @cache.cached
    async def to_sql(question: str) -> str:
        """Ask the model."""
        return await model.generate(question)

    @cache.cached(ttl=60, filters={"dialect": "cypher"})
    def to_cypher(question: str) -> str:
        return f"MATCH ({len(question)})"

    assert [await to_sql(QUESTION) for _ in range(3)] == ["SELECT 1"] * 3
    assert len(model.calls) == 1
    assert to_sql.__doc__ == "Ask the model."
    assert await to_cypher(QUESTION) == f"MATCH ({len(QUESTION)})"
    assert await cache.count() == 2


def test_cached_wraps_a_function_for_the_sync_facade(embedder: WordsEmbedder) -> None:
    calls: list[str] = []
    with MedhaSync("tests", embedder) as cache:

        @cache.cached
        def to_sql(question: str) -> str:
            calls.append(question)
            return "SELECT 1"

        assert [to_sql(QUESTION), to_sql(QUESTION)] == ["SELECT 1", "SELECT 1"]
    assert calls == [QUESTION]
