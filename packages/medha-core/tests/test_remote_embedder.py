"""The policy of embedders that ask a vendor: what is split, what is repeated, what a status means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)
from medha.remote import RemoteEmbedderSettings, Vendor, fault_of_status
from medha.remote.batching import cut, split
from medha.remote.faults import retry_after
from medha.remote.retrying import with_retries

if TYPE_CHECKING:
    from collections.abc import Callable

VENDOR = Vendor(name="Acme", plugin="acme", key_variables=("ACME_KEY",), texts=10)


class AcmeSettings(RemoteEmbedderSettings):
    model_config = SettingsConfigDict(env_prefix="MEDHA_ACME_")

    model: str = "acme-1"


class Asked:
    """A call that fails as often as there are faults, and the waits between."""

    def __init__(self, *faults: EmbedderError) -> None:
        self.faults = list(faults)
        self.calls = 0
        self.waits: list[float] = []

    async def __call__(self) -> str:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def throttled(seconds: float | None = None) -> EmbedderUnavailableError:
    return EmbedderUnavailableError("throttled", transient=True, retry_after=seconds)


# ---- splitting ----


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 9), st.none() | st.integers(1, 100))
def test_every_text_is_in_one_request_in_order_and_within_both_limits(
    sizes: list[int], texts: int, tokens: int | None
) -> None:
    parts = list(split(sizes, texts=texts, tokens=tokens))
    assert [place for part in parts for place in range(part.start, part.stop)] == list(range(len(sizes)))
    for part in parts:
        inside = sizes[part]
        assert 1 <= len(inside) <= texts
        assert tokens is None or sum(inside) <= tokens or len(inside) == 1


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 9), st.integers(50, 100))
def test_no_request_could_have_taken_the_next_text_too(sizes: list[int], texts: int, tokens: int) -> None:
    for part in split(sizes, texts=texts, tokens=tokens):
        if part.stop < len(sizes):
            assert part.stop - part.start == texts or sum(sizes[part.start : part.stop + 1]) > tokens


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.integers(1, 60))
def test_a_cut_text_is_the_longest_whole_beginning(text: str, most: int) -> None:
    beginning = cut(text, most)
    assert text.startswith(beginning)
    assert len(beginning.encode()) <= most
    assert beginning == text or len(text[: len(beginning) + 1].encode()) > most


# ---- asking again ----


async def test_the_wait_is_the_one_that_the_vendor_asks_for() -> None:
    asked = Asked(throttled(7.0), throttled(0.0))
    assert await with_retries(asked, AcmeSettings(), sleep=asked.sleep) == "answer"
    assert asked.waits == [7.0, 0.0]


async def test_without_one_the_wait_doubles_up_to_the_longest() -> None:
    asked = Asked(*(throttled() for _ in range(5)))
    settings = AcmeSettings(retries=5, retry_wait=1.0, longest_retry_wait=6.0)
    assert await with_retries(asked, settings, sleep=asked.sleep) == "answer"
    for wait, whole in zip(asked.waits, [1.0, 2.0, 4.0, 8.0, 16.0], strict=True):
        assert min(whole / 2, 6.0) <= wait <= min(whole, 6.0)


async def test_a_wait_that_is_too_long_is_not_waited() -> None:
    asked = Asked(throttled(21.0))
    with pytest.raises(EmbedderUnavailableError) as raised:
        await with_retries(asked, AcmeSettings(), sleep=asked.sleep)
    assert (asked.calls, asked.waits, raised.value.retry_after) == (1, [], 21.0)


async def test_the_last_fault_says_how_often_was_tried() -> None:
    asked = Asked(throttled(), EmbedderTimeoutError("too slow"), throttled())
    with pytest.raises(EmbedderUnavailableError, match="throttled; tried 3 times"):
        await with_retries(asked, AcmeSettings(retries=2), sleep=asked.sleep)


@pytest.mark.parametrize(
    "fault",
    [
        EmbedderUnavailableError("the key is refused"),
        EmbedderInputError("too long"),
        EmbedderOutputError("no vectors"),
        EmbedderError("anything"),
    ],
)
async def test_what_does_not_pass_by_itself_is_not_asked_again(fault: EmbedderError) -> None:
    asked = Asked(fault)
    with pytest.raises(type(fault)) as raised:
        await with_retries(asked, AcmeSettings(), sleep=asked.sleep)
    assert raised.value is fault
    assert asked.calls == 1


# ---- what a status means ----


@pytest.mark.parametrize(
    ("status", "kind", "transient", "says"),
    [
        (400, EmbedderInputError, False, "MEDHA_ACME_OVER_LONG"),
        (401, EmbedderUnavailableError, False, "MEDHA_ACME_API_KEY"),
        (402, EmbedderUnavailableError, False, "credit"),
        (403, EmbedderUnavailableError, False, "MEDHA_ACME_API_KEY"),
        (404, EmbedderUnavailableError, False, "MEDHA_ACME_MODEL"),
        (408, EmbedderUnavailableError, True, "service"),
        (413, EmbedderInputError, False, "too long"),
        (429, EmbedderUnavailableError, True, "MEDHA_ACME_CONCURRENCY"),
        (500, EmbedderUnavailableError, True, "service"),
        (529, EmbedderUnavailableError, True, "service"),
        (302, EmbedderError, False, "MEDHA_ACME_BASE_URL"),
    ],
)
def test_a_status_says_what_to_do(status: int, kind: type[EmbedderError], transient: bool, says: str) -> None:
    error = fault_of_status(VENDOR, status, "the vendor's words", {"retry-after": "3"})
    assert type(error) is kind
    assert says in str(error)
    assert "the vendor's words" in str(error)
    if isinstance(error, EmbedderUnavailableError):
        assert (error.transient, error.retry_after) == (transient, 3.0 if transient else None)


def test_a_page_of_html_does_not_fill_the_error() -> None:
    assert len(str(fault_of_status(VENDOR, 502, "<p>" * 100_000))) < 600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "in a while"}, None),
    ],
)
def test_the_wait_is_read_as_seconds_milliseconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=60.0) == seconds


# ---- settings ----


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValidationError) as raised:
        AcmeSettings.model_validate({"api_key": key})
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize("change", [{"timeout": 0}, {"retries": -1}, {"concurrency": 0}, {"colour": "red"}])
def test_a_limit_that_is_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AcmeSettings.model_validate(change)


def test_settings_do_not_change_and_do_not_show_the_key(make: Callable[[str], AcmeSettings]) -> None:
    settings = make("s3cr3t-key")
    assert "s3cr3t-key" not in f"{settings!r} {settings}"
    with pytest.raises(ValidationError):
        settings.model = "acme-2"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AcmeSettings]:
    def make(key: str) -> AcmeSettings:
        monkeypatch.setenv("MEDHA_ACME_API_KEY", key)
        return AcmeSettings()

    return make
