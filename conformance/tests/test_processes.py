"""Another process obeys and tells, and the checks of several processes find a planted bug."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha import Where
from medha.errors import BackendUnavailableError, ConfigurationError
from medha_conformance.connected import connected, opened
from medha_conformance.corpus import make_id
from medha_conformance.processes import batch, other_process, other_processes, running
from medha_conformance.suite.processes import check_at_once, check_nothing_lost, check_shared_writes
from medha_conformance.suite.reading import read_one
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from pathlib import Path

    from medha import Match


class Stale(SqliteBackend):
    """Searches once, and then remembers."""

    _found: list[Match] | None = None

    async def search(self, *args: Any, **values: Any) -> list[Match]:
        if self._found is None:
            self._found = await super().search(*args, **values)
        return self._found


class Forgetful(SqliteBackend):
    """Tells what the count of feedback would be, and stores nothing."""

    async def add_feedback(self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0) -> Any:
        entry = await read_one(self, collection, entry_id)
        return entry.feedback_correct + correct, entry.feedback_incorrect + incorrect


@pytest.fixture
def settings(tmp_path: Path) -> SqliteSettings:
    return SqliteSettings(path=tmp_path / "medha.db", busy_timeout=30)


async def test_what_sound_processes_share_passes(settings: SqliteSettings) -> None:
    async with opened(SqliteBackend(settings), "albums") as backend:
        with other_process("sqlite", settings, collection="albums") as other:
            await check_shared_writes(backend, other, "albums")
            assert other.ask("store", "one") is None
            assert (other.ask("count"), other.ask("get", "one"), other.ask("get", "two")) == (1, True, False)
            assert other.ask("feedback", "one", 2) == [[1, 0], [2, 0]]


async def test_a_search_that_misses_what_another_process_did_is_found(settings: SqliteSettings) -> None:
    async with opened(Stale(settings)) as backend:
        with other_process("sqlite", settings) as other:
            await backend.search("music", batch("a", 0)[0].vector, limit=1, min_similarity=0.0, where=Where(), now=0.0)
            with pytest.raises(AssertionError, match="is missing here"):
                await check_shared_writes(backend, other)


@pytest.mark.parametrize("kind", [SqliteBackend, Forgetful])
async def test_feedback_that_is_lost_between_processes_is_found(
    settings: SqliteSettings, kind: type[SqliteBackend]
) -> None:
    async with connected(kind(settings)) as backend:
        with other_processes("sqlite", settings, settings) as others:
            if kind is SqliteBackend:
                assert await check_at_once(backend, others, times=5) == list(range(1, 16))
            else:
                with pytest.raises(AssertionError):
                    await check_at_once(backend, others, times=5)


async def test_what_a_killed_process_lost_or_left_in_part_is_found(settings: SqliteSettings) -> None:
    with other_process("sqlite", settings) as other:
        assert other.answer() == "ready"
        numbers = other.kill_while_storing("life", after=5, size=3, tasks=2)
    assert len(numbers) >= 5
    async with opened(SqliteBackend(settings)) as backend:
        with pytest.raises(AssertionError, match="not there"):
            await check_nothing_lost(backend, {"life": {*numbers, 1_000_000}}, size=3, tasks=2)
        with pytest.raises(AssertionError, match="ever under way"):
            await check_nothing_lost(backend, {"life": {0}}, size=3)
        await check_nothing_lost(backend, {"life": numbers}, size=3, tasks=2)
        # which has stored one entry more
        with pytest.raises(AssertionError, match="in part"):
            await check_nothing_lost(backend, {"life": numbers}, size=3, tasks=2)
        await backend.delete("music", where=Where(ids=[make_id("life-0-1")]))
        with pytest.raises(AssertionError, match="not whole"):
            await check_nothing_lost(backend, {"life": numbers}, size=3, tasks=2)


def test_an_error_of_the_other_process_is_raised_here(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with other_process("sqlite", {"path": str(tmp_path / "file" / "medha.db")}) as other:
        with pytest.raises(BackendUnavailableError, match=str(tmp_path)):
            other.answer()
        # the address may hold a password
        assert str(tmp_path) not in str(other.process.args)


PROGRAM = """
import sys
from medha.errors import BackendUnavailableError
from medha_conformance.processes import Orders, next_line, say, serve

class DownError(BackendUnavailableError):
    pass

class MyOrders(Orders):
    async def twice(self):
        say("once")
        return await next_line()

    async def fail(self):
        raise DownError("down")

serve(MyOrders)
"""


def test_a_program_of_ones_own_has_more_orders(settings: SqliteSettings, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with other_process("sqlite", settings, program=program) as other:
        assert [other.answer(), other.ask("twice")] == ["ready", "once"]
        other.send({"go": "on"})
        assert other.answer() == {"go": "on"}
        with pytest.raises(BackendUnavailableError, match="down"):
            other.ask("fail")
        assert other.ask("count") == 0


def test_a_process_that_has_died_or_ended_badly_is_told() -> None:
    with running("-c", "") as other, pytest.raises(ChildProcessError, match="has died"):
        other.answer()
    with pytest.raises(ChildProcessError, match="ended with 3"), running("-c", "raise SystemExit(3)"):
        pass


def test_an_order_that_is_none_ends_the_process(settings: SqliteSettings, capfd: pytest.CaptureFixture[str]) -> None:
    def order() -> None:
        with other_process("sqlite", settings) as other:
            assert other.answer() == "ready"
            other.ask("_private")

    with pytest.raises(ChildProcessError, match="has died"):
        order()
    assert "Orders knows no order '_private'" in capfd.readouterr().err


def test_settings_that_cannot_be_used_are_an_error_there(settings: SqliteSettings) -> None:
    wrong = {"path": str(settings.path), "busy_timeout": -1}
    with other_process("sqlite", wrong) as other, pytest.raises(ConfigurationError, match="busy_timeout"):
        other.answer()
