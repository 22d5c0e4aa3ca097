"""The blocking facade: from scripts, threads, and inside a running loop."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from medha import Medha, MedhaSync, SearchStrategy, Settings
from medha.errors import InvalidQuestionError, LifecycleError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WordsEmbedder

    from medha import CacheHit

QUESTION, QUERY = "Albums by Queen", "SELECT 1"
_ASYNC_ONLY = {"start", "close"}
_DELEGATES = {"search_sync", "store_sync", "warm_from_file_sync", "clear_caches_sync", "close_sync"}


def test_medha_sync_has_every_method_of_medha_with_the_same_parameters() -> None:
    public = {name for name in dir(Medha) if not name.startswith("_")} - _DELEGATES
    missing = public - {name for name in dir(MedhaSync) if not name.startswith("_")} - {"collection_name"}
    assert missing == set()
    for name in public:
        method = getattr(Medha, name)
        if inspect.iscoroutinefunction(method) and name not in _ASYNC_ONLY:
            assert not inspect.iscoroutinefunction(getattr(MedhaSync, name))
            assert inspect.signature(getattr(MedhaSync, name)) == inspect.signature(method)
    assert list(inspect.signature(MedhaSync).parameters) == list(inspect.signature(Medha).parameters)


def test_it_answers_without_an_event_loop(embedder: WordsEmbedder) -> None:
    with MedhaSync("tests", embedder) as cache:
        cache.store(QUESTION, QUERY)
        assert cache.search(QUESTION).generated_query == QUERY
        assert cache.stats().hits == 1
        with pytest.raises(InvalidQuestionError):
            cache.search("")


async def test_it_answers_inside_a_running_loop(embedder: WordsEmbedder) -> None:
    assert asyncio.get_running_loop().is_running()
    with MedhaSync("tests", embedder) as cache:
        cache.store(QUESTION, QUERY)
        assert cache.search(QUESTION).generated_query == QUERY


def test_many_threads_may_use_it_at_once(embedder: WordsEmbedder) -> None:
    with MedhaSync("tests", embedder) as cache, ThreadPoolExecutor(16) as pool:

        def store(number: int) -> None:
            cache.store(f"question {number}", f"SELECT {number}")

        def search(number: int) -> CacheHit:
            return cache.search(f"question {number}")

        list(pool.map(store, range(200)))
        hits = list(pool.map(search, range(200)))
        assert [hit.generated_query for hit in hits] == [f"SELECT {number}" for number in range(200)]
        assert cache.count() == 200


def test_use_before_start_and_after_close_raises(embedder: WordsEmbedder) -> None:
    cache = MedhaSync("tests", embedder)
    with pytest.raises(LifecycleError, match="use it inside 'with'"):
        cache.search(QUESTION)
    with cache:
        cache.search(QUESTION)
    with pytest.raises(LifecycleError):
        cache.search(QUESTION)
    cache.close()


def test_a_start_that_fails_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with pytest.raises(Exception, match="no embedder named 'nonesuch'"):
        MedhaSync("tests", "nonesuch").start()
    assert threading.active_count() == before


def test_from_settings_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_COLLECTION", "from_the_environment")
    cache = MedhaSync.from_settings()
    assert cache.cache.collection_name == "from_the_environment"
    assert MedhaSync.from_settings(Settings(collection="given")).cache.collection_name == "given"


def test_blocking_calls_of_medha_start_it_on_a_thread_of_its_own(embedder: WordsEmbedder, tmp_path: Path) -> None:
    cache = Medha("tests", embedder)
    cache.store_sync(QUESTION, QUERY, metadata={"tenant": "acme"})
    assert cache.search_sync(QUESTION, filters={"tenant": "acme"}).generated_query == QUERY
    (tmp_path / "more.jsonl").write_text(json.dumps({"question": "tracks", "query": QUERY}) + "\n")
    assert cache.warm_from_file_sync(tmp_path / "more.jsonl") == 1
    assert cache.search_sync("tracks").strategy is SearchStrategy.EXACT_MATCH
    assert cache.search_sync("tracks").strategy is SearchStrategy.L1_CACHE
    cache.clear_caches_sync()
    assert cache.search_sync("tracks").strategy is SearchStrategy.EXACT_MATCH
    cache.close_sync()
    with pytest.raises(LifecycleError):
        asyncio.run(cache.search("tracks"))
    cache.close_sync()


def test_blocking_calls_of_many_threads_start_it_once(embedder: WordsEmbedder) -> None:
    cache = Medha("tests", embedder)
    together = threading.Barrier(8)

    def ask(number: int) -> CacheHit:
        together.wait()
        return cache.search_sync(f"question {number}")

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(ask, range(8)))
    assert cache.stats().lookups == 8
    cache.close_sync()


def test_many_threads_may_start_it_at_once(embedder: WordsEmbedder) -> None:
    before = threading.active_count()
    cache = MedhaSync("tests", embedder)
    together = threading.Barrier(8)

    def start(_: int) -> None:
        together.wait()
        cache.start()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    cache.close()
    assert threading.active_count() == before


def test_a_blocking_call_after_close_raises_until_it_is_started_again(embedder: WordsEmbedder) -> None:
    cache = Medha("tests", embedder)
    cache.store_sync(QUESTION, QUERY)
    cache.close_sync()
    with pytest.raises(LifecycleError, match="closed"):
        cache.search_sync(QUESTION)
    asyncio.run(cache.start())
    assert not cache.search_sync(QUESTION)
    cache.close_sync()


async def test_a_blocking_call_on_the_caches_own_loop_is_refused(cache: Medha) -> None:
    with pytest.raises(LifecycleError, match="would wait for ever"):
        cache.search_sync(QUESTION)


async def test_a_blocking_call_from_another_thread_uses_the_running_cache(cache: Medha) -> None:
    await cache.store(QUESTION, QUERY)
    hit = await asyncio.to_thread(cache.search_sync, QUESTION)
    assert hit.generated_query == QUERY


def test_a_forgotten_close_does_not_hang_the_interpreter() -> None:
    program = (
        "from medha import Medha, BaseEmbedder\n"
        "class One(BaseEmbedder):\n"
        "    dimension = 2\n"
        "    model_name = 'one'\n"
        "    async def aembed_batch(self, texts, *, is_document=False):\n"
        "        return [[1.0, 0.0] for _ in texts]\n"
        "cache = Medha('tests', One())\n"
        "cache.store_sync('a question', 'SELECT 1')\n"
        "print(cache.search_sync('a question').generated_query)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "SELECT 1"
