"""Learned templates in the waterfall."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import pytest

from medha import Medha, MedhaSync, SearchStrategy, Settings
from medha.errors import BackendUnavailableError, FileError, InvalidInputError, LifecycleError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock, WatchedBackend, WordsEmbedder

BY = "SELECT title FROM album JOIN artist ON album.artist_id = artist.id WHERE artist.name = '{}'"
PRICE = "SELECT price FROM item WHERE id = {}"
HOW_MANY = "SELECT COUNT(*) FROM album JOIN artist ON album.artist_id = artist.id WHERE artist.name = '{}'"


async def teach(cache: Medha, **options: object) -> None:
    await cache.store("albums by Queen", BY.format("Queen"), "Queen has 15 albums", **options)  # type: ignore[arg-type]
    await cache.store("how many albums by ABBA", HOW_MANY.format("ABBA"), **options)  # type: ignore[arg-type]


async def test_a_stored_query_answers_for_another_value_without_the_embedder(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with Medha("tests", embedder, backend) as cache:
        await teach(cache)
        embedder.down = True
        backend.calls.clear()
        hit = await cache.search("Show me the albums by ABBA")
        assert hit
        assert hit.strategy is SearchStrategy.LEARNED_TEMPLATE
        assert hit.generated_query == BY.format("ABBA")
        assert hit.parameters == {"artist.name": "ABBA"}
        assert hit.matched_question == "albums by Queen"
        assert hit.response_summary is None
        assert 0 < hit.confidence < 1
        assert backend.calls == {"get": 2}
        assert cache.stats().by_strategy["learned_template"].count == 1
        again = await cache.search("Show me the albums by ABBA")
        assert again.strategy is SearchStrategy.L1_CACHE
        assert again.generated_query == BY.format("ABBA")


async def test_what_was_learnt_in_a_scope_stays_in_it(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache, metadata={"tenant": "a"})
        assert await cache.search("albums by ABBA", filters={"tenant": "a"})
        assert not await cache.search("albums by ABBA", filters={"tenant": "b"})
        assert not await cache.search("albums by ABBA")


async def test_an_invalidated_entry_answers_for_no_value_not_from_l1_either(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        assert await cache.search("albums by ABBA")
        await cache.invalidate("albums by Queen")
        assert not await cache.search("albums by ABBA")
        assert not await cache.search("show albums by ABBA")


async def test_an_invalidated_collection_teaches_nothing(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        await cache.invalidate_collection()
        assert not await cache.search("albums by ABBA")
        assert await cache.wait_until_learned() == 0


async def test_a_replaced_query_is_the_one_that_other_values_get(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        assert await cache.search("albums by ABBA")
        changed = BY.replace("title", "title, year")
        await cache.store("albums by Queen", changed.format("Queen"))
        assert (await cache.search("albums by ABBA")).generated_query == changed.format("ABBA")


async def test_an_expired_entry_answers_for_no_value(embedder: WordsEmbedder, clock: Clock) -> None:
    async with Medha("tests", embedder, "memory", clock=clock) as cache:
        await teach(cache, ttl=60)
        hit = await cache.search("albums by ABBA")
        assert hit.expires_at == clock.now + 60
        clock.now += 60
        assert not await cache.search("albums by ABBA")


async def test_what_another_process_removed_or_replaced_is_not_served(embedder: WordsEmbedder) -> None:
    backend = MemoryBackend()
    async with Medha("tests", embedder, backend) as one, Medha("tests", embedder, backend) as other:
        await teach(one)
        await other.invalidate("albums by Queen")
        assert not await one.search("albums by ABBA")
        await one.store("albums by Queen", BY.format("Queen"))
        await other.store("albums by Queen", "SELECT 1")
        assert not await one.search("albums by ABBA")


async def test_a_cache_learns_from_what_it_finds_when_it_starts(embedder: WordsEmbedder) -> None:
    backend = MemoryBackend()
    async with Medha("tests", embedder, backend) as cache:
        await teach(cache)
        await cache.store_many(
            {"question": f"the price of item {number}", "query": PRICE.format(number)} for number in range(1200)
        )
    async with Medha("tests", embedder, backend) as cache:
        assert await cache.wait_until_learned() == 1202
        assert (await cache.search("albums by ABBA")).generated_query == BY.format("ABBA")
        assert (await cache.search("the price of item 9999")).generated_query == PRICE.format(9999)


async def test_nothing_is_answered_before_everything_is_learnt(embedder: WordsEmbedder) -> None:
    backend = MemoryBackend()
    async with Medha("tests", embedder, backend) as cache:
        await teach(cache)
    async with Medha("tests", embedder, backend) as cache:
        decision = await cache.explain("albums by ABBA")
        assert "still learning" in next(tier.reason for tier in decision.tiers if tier.tier == "learned")
        await cache.wait_until_learned()
        assert await cache.search("albums by ABBA")


async def test_an_entry_removed_while_the_cache_still_learns_teaches_nothing(embedder: WordsEmbedder) -> None:
    backend = MemoryBackend()
    async with Medha("tests", embedder, backend) as cache:
        await teach(cache)
    async with Medha("tests", embedder, backend) as cache:
        await cache.invalidate("albums by Queen")
        assert await cache.wait_until_learned() == 1
        assert not await cache.search("albums by ABBA")


async def test_no_more_entries_are_learnt_from_than_the_limit(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", Settings(learned_templates_limit=1)) as cache:
        await teach(cache)
        assert await cache.wait_until_learned() == 1
        assert not await cache.search("albums by ABBA")


async def test_a_collection_that_cannot_be_read_is_said_and_tried_again(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with Medha("tests", embedder, backend) as cache:
        await teach(cache)

    class Unreadable(MemoryBackend):
        """Its pages cannot be read at first."""

        refusing = True

        async def scroll(self, *args: object, **options: object) -> object:  # type: ignore[override]
            if self.refusing:
                raise BackendUnavailableError("no pages today")
            return await super().scroll(*args, **options)  # type: ignore[arg-type]

    unreadable = Unreadable()
    async with Medha("tests", embedder, unreadable) as cache:
        with pytest.raises(BackendUnavailableError):
            await cache.wait_until_learned()
        decision = await cache.explain("albums by ABBA")
        assert any("no pages today" in tier.reason for tier in decision.tiers if tier.tier == "learned")
        unreadable.refusing = False
        await teach(cache)
        await cache.wait_until_learned()
        assert await cache.search("albums by ABBA")


async def test_a_fault_of_the_learning_itself_is_raised_and_nothing_waits_for_ever(
    embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with Medha("tests", embedder, "memory") as cache:
        monkeypatch.setattr("medha.learning.lesson_of", broken)
        async with asyncio.timeout(30):
            with pytest.raises(ZeroDivisionError):
                await cache.store("albums by Queen", BY.format("Queen"))
            assert await cache.search("albums by Queen"), "what was stored is stored"


async def test_it_can_be_turned_off(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", Settings(learned_templates="off")) as cache:
        await teach(cache)
        assert not await cache.search("albums by ABBA")
        assert await cache.wait_until_learned() == 0
        assert await cache.load_values("artist.name", ["Muse"]) == 0


async def test_queries_of_other_languages_take_no_part(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await cache.store("albums by Queen", "MATCH (a:Album)-[:BY]->(:Artist {name: 'Queen'}) RETURN a")
        await cache.store("singles by ABBA", '{ singles(by: "ABBA") { title } }')
        assert not await cache.search("albums by ABBA")
        assert await cache.wait_until_learned() == 0


async def test_values_can_be_loaded_for_one_scope_or_for_all(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        assert await cache.load_values("artist.name", ["Muse", "Muse"]) == 1
        assert await cache.load_values("Artist.Name", ["Blur"], metadata={"tenant": "a"}) == 1
        await teach(cache)
        await teach(cache, metadata={"tenant": "a"})
        assert await cache.search("albums by Muse")
        assert await cache.search("albums by Muse", filters={"tenant": "a"})
        assert await cache.search("albums by Blur", filters={"tenant": "a"})
        assert not await cache.search("albums by Blur")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("name", ["x"]),
        ("", ["x"]),
        (None, ["x"]),
        ("t.", ["x"]),
        ("t.a", "x"),
        ("t.a", {"x": 1}),
        ("t.a", [1]),
        ("t.a", ["\0"]),
    ],
)
async def test_bad_values_are_refused(embedder: WordsEmbedder, column: str, values: list[str]) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        with pytest.raises(InvalidInputError):
            await cache.load_values(column, values)


async def test_values_come_from_a_file(embedder: WordsEmbedder, tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text(json.dumps({"artist.name": ["Muse"]}))
    async with Medha("tests", embedder, "memory", Settings(values_file=file)) as cache:
        await teach(cache)
        assert await cache.search("albums by Muse")


@pytest.mark.parametrize("text", ["", "[]", '{"artist.name": "Muse"}', '{"artist.name": [1]}', '{"name": ["x"]}', "{"])
async def test_a_bad_file_of_values_is_refused_and_named(embedder: WordsEmbedder, tmp_path: Path, text: str) -> None:
    file = tmp_path / "values.json"
    file.write_text(text)
    with pytest.raises(FileError, match=r"values\.json"):
        await Medha("tests", embedder, "memory", Settings(values_file=file)).start()


async def test_values_need_a_started_cache(embedder: WordsEmbedder) -> None:
    with pytest.raises(LifecycleError):
        await Medha("tests", embedder, "memory").load_values("a.b", ["x"])


async def test_many_lookups_and_writes_at_once_only_ever_give_true_queries(embedder: WordsEmbedder) -> None:
    names = [f"Artist{number}" for number in range(40)]
    async with Medha("tests", embedder, "memory") as cache:

        async def write(name: str) -> None:
            await cache.store(f"albums by {name}", BY.format(name))
            await cache.store(f"how many albums by {name}", HOW_MANY.format(name))
            await cache.invalidate(f"albums by {name}")

        async def look(name: str) -> None:
            for _ in range(5):
                hit = await cache.search(f"albums by {name}")
                assert not hit or hit.generated_query == BY.format(name)
                await asyncio.sleep(0)

        await asyncio.gather(*map(write, names), *map(look, names))


def test_it_works_from_threads_without_a_loop(embedder: WordsEmbedder) -> None:
    with MedhaSync("tests", embedder, "memory") as cache:
        cache.store("albums by Queen", BY.format("Queen"))
        cache.load_values("artist.name", ["Muse"])
        assert cache.wait_until_learned() == 1
        found: list[str | None] = []
        threads = [
            threading.Thread(target=lambda: found.append(cache.search("albums by Muse").generated_query))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [BY.format("Muse")] * 8


@pytest.mark.parametrize("named", [False, True])
async def test_a_wrong_answer_with_other_values_is_not_held_against_the_entry_but_never_given_again(
    embedder: WordsEmbedder, *, named: bool
) -> None:
    async with Medha("tests", embedder, "memory") as cache:
        await teach(cache)
        await cache.store("albums by Muse", BY.format("Muse"))
        await cache.load_values("artist.name", ["Blur"])
        hit = await cache.search("albums by ABBA")
        assert hit.strategy is SearchStrategy.LEARNED_TEMPLATE
        for _ in range(4):
            result = await cache.feedback("albums by ABBA", False, entry_id=hit.entry_id if named else None)
            assert not result.removed
            assert result.incorrect == 0
            # neither by L1 nor by another entry with such a query
            assert not await cache.search("albums by ABBA")
        assert not await cache.search("albums by Blur")
        assert (await cache.search("albums by Queen")).generated_query == BY.format("Queen")
        assert (await cache.search("how many albums by Queen")).generated_query == HOW_MANY.format("Queen")
        await cache.store("albums by Oasis", BY.format("Oasis"))
        assert not await cache.search("albums by Blur")


async def test_feedback_on_the_entrys_own_question_counts_for_the_entry(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", Settings(feedback_incorrect_threshold=1)) as cache:
        await teach(cache)
        assert (await cache.feedback("albums by ABBA", True)).correct == 1
        assert (await cache.feedback("albums by Queen", False)).removed
        assert not await cache.search("albums by ABBA")
