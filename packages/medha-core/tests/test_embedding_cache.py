"""Remembered embeddings: asked for once, kept in a file, and never trusted when they are another model's."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from medha import Medha, Settings
from medha.errors import (
    CollectionMismatchError,
    EmbedderError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
    FileError,
    LifecycleError,
    PartialWriteError,
)
from medha.memory import MemoryBackend
from medha.plugins import installed_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from conftest import MakeCache, WordsEmbedder

QUESTIONS: Final = [f"question number {i}" for i in range(20)]


def _embedded(embedder: WordsEmbedder) -> list[str]:
    """Every text the embedder was called with, in order."""
    return [text for texts, _ in embedder.calls for text in texts]


async def _ask(cache: Medha, questions: Sequence[str]) -> None:
    for question in questions:
        await cache.search(question)


async def test_a_question_is_embedded_once(cache: Medha, embedder: WordsEmbedder) -> None:
    await _ask(cache, ["Total Sales?", "total sales", "could you show me TOTAL SALES", "total sales"])
    assert _embedded(embedder) == ["total sales"]


async def test_a_stored_question_is_not_embedded_again_when_it_is_asked_in_another_case(
    cache: Medha, embedder: WordsEmbedder
) -> None:
    await cache.store("orders of BOB", "SELECT 1")
    assert not await cache.search("orders of bob")
    assert _embedded(embedder) == ["orders of bob"]


async def test_a_batch_embeds_only_what_is_not_known(cache: Medha, embedder: WordsEmbedder) -> None:
    await _ask(cache, QUESTIONS[:2])
    await cache.search_batch([*QUESTIONS[:4], QUESTIONS[3]])
    assert [texts for texts, _ in embedder.calls[2:]] == [QUESTIONS[2:4]]


async def test_the_question_that_was_asked_longest_ago_is_forgotten_first(
    make_cache: MakeCache, embedder: WordsEmbedder
) -> None:
    async with make_cache(embedding_cache_size=2) as cache:
        await _ask(cache, ["a", "b", "a", "c"])
        embedder.calls.clear()
        await _ask(cache, ["a", "c"])
        assert _embedded(embedder) == []
        await _ask(cache, ["b"])
        assert _embedded(embedder) == ["b"]


async def test_nothing_is_remembered_where_the_size_is_0(
    make_cache: MakeCache, embedder: WordsEmbedder, tmp_path: Path
) -> None:
    path = tmp_path / "embeddings.npz"
    async with make_cache(embedding_cache_size=0) as cache:
        await _ask(cache, ["a", "a"])
        await cache.search_batch(["a", "b"])
    assert _embedded(embedder) == ["a", "a", "a", "b"]
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, ["a"])
    before = path.read_bytes()
    async with make_cache(embedding_cache_size=0, embedding_cache_path=path):
        pass
    assert path.read_bytes() == before


async def test_what_is_remembered_can_be_forgotten(cache: Medha, embedder: WordsEmbedder) -> None:
    await _ask(cache, ["a"])
    await cache.clear_caches()
    await _ask(cache, ["a"])
    assert _embedded(embedder) == ["a", "a"]


async def test_explaining_remembers_nothing(cache: Medha, embedder: WordsEmbedder) -> None:
    await cache.explain("a")
    await _ask(cache, ["a"])
    assert _embedded(embedder) == ["a", "a"]


async def test_a_model_with_two_sides_keeps_them_apart(
    cache: Medha, embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(embedder), "asymmetric", True)
    await cache.store("orders of BOB", "SELECT 1")
    await _ask(cache, ["orders of bob", "orders of Bob"])
    await cache.store_many([{"question": "orders of bOB", "query": "SELECT 2"}])
    assert embedder.calls == [(["orders of bob"], True), (["orders of bob"], False)]


async def test_a_hundred_who_ask_at_once_embed_once(cache: Medha, embedder: WordsEmbedder) -> None:
    embedder.gate = asyncio.Event()
    asking = [asyncio.ensure_future(cache.search("total sales")) for _ in range(100)]
    while not embedder.calls:
        await asyncio.sleep(0)
    embedder.gate.set()
    assert not any(await asyncio.gather(*asking))
    assert _embedded(embedder) == ["total sales"]


async def test_a_failure_is_shared_by_those_who_wait_and_forgotten_after(cache: Medha, embedder: WordsEmbedder) -> None:
    embedder.gate, embedder.down = asyncio.Event(), True
    asking = [asyncio.ensure_future(cache.search("total sales")) for _ in range(10)]
    while not embedder.calls:
        await asyncio.sleep(0)
    embedder.gate.set()
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(failure) for failure in failures] == [EmbedderUnavailableError] * 10
    assert len(embedder.calls) == 1
    embedder.down = False
    assert not await cache.search("total sales")


async def test_one_who_stops_asking_harms_none_of_the_others(cache: Medha, embedder: WordsEmbedder) -> None:
    embedder.gate = asyncio.Event()
    asking = [asyncio.ensure_future(cache.search("total sales")) for _ in range(10)]
    while not embedder.calls:
        await asyncio.sleep(0)
    asking[0].cancel()
    embedder.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [answer.strategy for answer in answers[1:] if not isinstance(answer, BaseException)] == ["no_match"] * 9
    assert len(embedder.calls) == 2


async def test_an_embedder_that_does_not_answer_in_time_is_a_timeout(
    make_cache: MakeCache, embedder: WordsEmbedder
) -> None:
    message = r"WordsEmbedder did not embed .* within 0\.01 s; raise MEDHA_EMBEDDING_TIMEOUT"
    async with make_cache(embedding_timeout=0.01) as cache:
        embedder.gate = asyncio.Event()
        with pytest.raises(EmbedderTimeoutError, match=message) as late:
            await cache.search("total sales")
        assert isinstance(late.value.__cause__, TimeoutError)
        with pytest.raises(EmbedderTimeoutError, match=message):
            await cache.store("total sales", "SELECT 1")
        with pytest.raises(PartialWriteError, match=message):
            await cache.store_many([{"question": "total sales", "query": "SELECT 1"}])
        assert await cache.count() == 0
        embedder.gate = None
        await cache.store("total sales", "SELECT 1")
        assert await cache.search("total sales")


async def test_an_error_of_the_embedder_s_own_kind_is_wrapped(
    cache: Medha, embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(texts: Sequence[str], *, is_document: bool = False) -> Any:
        raise KeyError("weights")

    monkeypatch.setattr(embedder, "aembed_batch", broken)
    for failing in (cache.search("total sales"), cache.store("total sales", "SELECT 1")):
        with pytest.raises(EmbedderError, match=r"WordsEmbedder failed to embed .*: KeyError: 'weights'") as wrapped:
            await failing
        assert isinstance(wrapped.value.__cause__, KeyError)


async def test_embeddings_survive_the_process_in_their_file(
    make_cache: MakeCache, embedder: WordsEmbedder, tmp_path: Path
) -> None:
    path = tmp_path / "embeddings.npz"
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS)
        await cache.store("total sales", "SELECT 1")
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]
    embedder.calls.clear()
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS)
        await cache.store("Total Sales", "SELECT 1")
    assert embedder.calls == []


async def test_the_file_keeps_the_order_and_the_bits(make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "embeddings.npz"
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS)
    first = path.read_bytes()
    async with make_cache(embedding_cache_path=path):
        pass
    with np.load(path) as again:
        assert again["vectors"].dtype == np.float32
        assert again["vectors"].shape == (20, 64)
    async with make_cache(embedding_cache_path=path, embedding_cache_size=5) as cache:
        assert list(cache._live.parts.embeddings._known.values())
    with np.load(path) as trimmed:
        assert trimmed["vectors"].shape == (5, 64)
    assert len(first) > path.stat().st_size


async def test_no_text_of_a_question_is_in_the_file(make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "embeddings.npz"
    async with make_cache(embedding_cache_path=path) as cache:
        await cache.store("salary of secretive", "SELECT 1")
        await _ask(cache, ["Salary of Confidential"])
    content = path.read_bytes().lower()
    for word in (b"salary", b"secretive", b"confidential", "salary".encode("utf-16-le"), "salary".encode("utf-32-le")):
        assert word not in content


@pytest.mark.parametrize(("attribute", "value"), [("model_name", "other words"), ("dimension", 32)])
async def test_embeddings_of_another_model_are_not_used_and_it_is_said(
    make_cache: MakeCache,
    embedder: WordsEmbedder,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    attribute: str,
    value: Any,
) -> None:
    path = tmp_path / "embeddings.npz"
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS)
    setattr(embedder, attribute, value)
    settings = Settings(embedding_cache_path=path)
    with caplog.at_level(logging.WARNING, "medha"):
        async with Medha("tests", embedder, MemoryBackend(), settings) as cache:
            assert not cache._live.parts.embeddings._known
    (warning,) = caplog.messages
    assert f"embeddings in {path} are not used: it was made by 'words' (64 dimensions), not by" in warning
    assert str(value) in warning


async def test_opening_with_the_wrong_model_leaves_the_file_of_the_right_one(
    make_cache: MakeCache, embedder: WordsEmbedder, tmp_path: Path
) -> None:
    path = tmp_path / "embeddings.npz"
    before = await _file(make_cache, path)
    setattr(embedder, "model_name", "other words")  # noqa: B010 - a property to the type checker
    with pytest.raises(CollectionMismatchError):
        await make_cache(embedding_cache_path=path).start()
    assert path.read_bytes() == before


async def _file(make_cache: MakeCache, path: Path) -> bytes:
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS[:3])
    return path.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 30, 100, 400, 700, 1000, -100, -22, -1])
async def test_a_truncated_file_is_not_used_and_it_is_said(
    make_cache: MakeCache, embedder: WordsEmbedder, tmp_path: Path, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    path = tmp_path / "embeddings.npz"
    path.write_bytes((await _file(make_cache, path))[:size])
    embedder.calls.clear()
    async with make_cache(embedding_cache_path=path) as cache:
        await _ask(cache, QUESTIONS[:3])
    assert _embedded(embedder) == QUESTIONS[:3]
    assert [f"the remembered embeddings in {path} are not used" in message for message in caplog.messages] == [True]
    caplog.clear()
    async with make_cache(embedding_cache_path=path):
        assert caplog.messages == []


async def test_a_file_with_any_byte_changed_is_used_rightly_or_not_at_all(
    make_cache: MakeCache, embedder: WordsEmbedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from medha.embedding_file import UnusableFileError, load

    path = tmp_path / "embeddings.npz"
    content = await _file(make_cache, path)
    async with make_cache() as cache:
        spec = cache._live.parts.embeddings.spec
    right = {key: vector.tobytes() for key, vector in load(path, spec).items()}
    unusable = 0
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            assert {key: vector.tobytes() for key, vector in load(path, spec).items()} == right
        except UnusableFileError:
            unusable += 1
    assert unusable > len(content) // 14


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04", b"\x80\x04K\x07.", b"\x93NUMPY\x01\x00v\x00{}"])
async def test_a_file_of_another_kind_is_not_used(
    make_cache: MakeCache, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "embeddings.npz"
    path.write_bytes(content)
    async with make_cache(embedding_cache_path=path):
        assert ["it cannot be read" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize(
    "change",
    [
        {"head": np.zeros(3, np.uint8)},
        {"head": np.frombuffer(b"[]", np.uint8)},
        {"head": np.frombuffer(b"\xff{}", np.uint8)},
        {"keys": np.array([1, 2, 3])},
        {"keys": np.array([b"\xff"] * 3)},
        {"keys": np.array([b"q"] * 2)},
        {"keys": np.array(b"q")},
        {"vectors": np.zeros((3, 64))},
        {"vectors": np.zeros((3, 63), np.float32)},
        {"vectors": np.full((3, 64), np.nan, np.float32)},
        {"vectors": np.array(["a"] * 3)},
        {"vectors": None},
    ],
    ids=lambda change: f"{next(iter(change))} {str(next(iter(change.values())))[:12]}",
)
async def test_a_file_with_other_contents_is_not_used(
    make_cache: MakeCache, tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, Any]
) -> None:
    path = tmp_path / "embeddings.npz"
    await _file(make_cache, path)
    with np.load(path) as archive:
        parts = {name: array for name, array in (dict(archive) | change).items() if array is not None}
    np.savez(path, **parts)
    async with make_cache(embedding_cache_path=path) as cache:
        assert len(caplog.messages) == 1
        assert not cache._live.parts.embeddings._known


CLOSING = """
from medha import FULL, PLUGIN_API, BackendPlugin, Capability, NoSettings, hookimpl
from medha.memory import MemoryBackend

closed = []


class Closing(MemoryBackend):
    async def close(self):
        closed.append(self)
        await super().close()


@hookimpl
def medha_register_backends():
    every = dict.fromkeys(Capability, FULL)
    make = lambda settings: Closing()
    offer = {"settings": NoSettings, "capabilities": every, "api_version": PLUGIN_API}
    return [BackendPlugin(name="closing", factory=make, **offer)]
"""


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[], int], None, None]:
    """How many backends of the installed plugin "closing" were closed."""
    (tmp_path / "plugged_closing.py").write_text(CLOSING)
    folder = tmp_path / "medha_closing-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: medha-closing\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[medha]\nclosing = plugged_closing\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    installed_plugins.cache_clear()
    yield lambda: len(sys.modules["plugged_closing"].closed)
    sys.modules.pop("plugged_closing", None)
    installed_plugins.cache_clear()


@pytest.mark.parametrize("name", ["file/embeddings.npz", "absent/embeddings.npz"])
async def test_a_file_that_cannot_be_written_is_an_error_and_everything_is_closed(
    embedder: WordsEmbedder, tmp_path: Path, closed: Callable[[], int], name: str
) -> None:
    (tmp_path / "file").write_text("untouched")
    cache = Medha("tests", embedder, "closing", Settings(embedding_cache_path=tmp_path / name))
    await cache.start()
    await cache.search("total sales")
    with pytest.raises(FileError, match=rf"cannot write .*{name}: "):
        await cache.close()
    assert closed() == 1
    assert (tmp_path / "file").read_text() == "untouched"
    with pytest.raises(LifecycleError, match="closed"):
        await cache.search("total sales")
    await cache.close()
