"""What plugins' own tests take from here: a planted bug is found, and what is sound passes."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from medha import Where
from medha.errors import MedhaError
from medha.memory import MemoryBackend
from medha_conformance.connected import opened
from medha_conformance.corpus import make_entry
from medha_conformance.driver_errors import made, with_subclasses
from medha_conformance.imports import imported_by
from medha_conformance.suite.metadata import check_conditions, stored_and_asked
from medha_conformance.vendor import Reply, answering

if TYPE_CHECKING:
    from medha import Page


class Confused(MemoryBackend):
    """Takes ``True`` for 1."""

    async def scroll(self, collection: str, *, where: Where | None = None, **_: object) -> Page:  # pyright: ignore[reportIncompatibleMethodOverride]
        if where is not None:
            where = Where(metadata={key: value + 0 for key, value in where.metadata.items() if type(value) is bool})
        return await super().scroll(collection, where=where)


@hypothesis_settings(max_examples=30, deadline=None)
@given(stored_and_asked())
async def test_conditions_of_a_sound_backend_pass(case: tuple[list[dict[str, object]], dict[str, object]]) -> None:
    async with opened(MemoryBackend()) as backend:
        await check_conditions(backend, "music", *case)  # pyright: ignore[reportArgumentType]


async def test_a_condition_that_means_something_else_is_found() -> None:
    async with opened(Confused()) as backend:
        with pytest.raises(AssertionError):
            await check_conditions(backend, "music", [{"draft": True}, {"draft": 1}], {"draft": True})


async def test_an_opened_backend_is_closed_afterwards_and_what_it_held_dropped() -> None:
    async with opened(MemoryBackend(), "albums", drop=True) as backend:
        await backend.upsert("albums", [make_entry("one")])
        await backend.close()
    with pytest.raises(MedhaError):
        await backend.count("albums")


def test_every_class_of_error_is_made_whatever_its_constructor_wants() -> None:
    kinds = {kind: made(kind, "said") for kind in with_subclasses(UnicodeError)}
    assert {UnicodeError, UnicodeDecodeError, UnicodeEncodeError} <= set(kinds)
    assert all(type(error) is kind and error.args == ("said",) for kind, error in kinds.items())


def test_what_an_import_brings_with_it_is_told() -> None:
    assert "sqlite3" in imported_by("import sqlite3.dbapi2")
    assert imported_by("import medha_conformance.addresses").isdisjoint({"numpy", "sqlite3"})


def test_a_server_gives_its_replies_in_turn_and_the_last_one_again() -> None:
    replies = Reply(body={"first": 1}), Reply(body=b"down", status=503)
    with answering(*replies) as url, closing(HTTPConnection(url.removeprefix("http://"))) as client:
        for expected in ((200, b'{"first": 1}'), (503, b"down"), (503, b"down")):
            client.request("GET", "/")
            answer = client.getresponse()
            assert (answer.status, answer.read()) == expected
