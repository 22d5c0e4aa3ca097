"""A vendor's embedder that passes, embedders that break one promise each, and the standard test that catches each."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import socket
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pytest
from pydantic_settings import SettingsConfigDict

from medha.errors import EmbedderError, EmbedderUnavailableError, MedhaError
from medha.remote import (
    Answer,
    RemoteEmbedder,
    RemoteEmbedderSettings,
    RemoteModel,
    Vendor,
    fault_of_status,
    known_model,
    not_understood,
    unexpected,
    unreachable,
)
from medha_conformance import EmbedderSuite, RemoteEmbedderSuite, vendor
from medha_conformance.vendor import RefusedError, Request, VendorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_VENDOR: Final = Vendor(name="Acme", plugin="acme", key_variables=("ACME_KEY",), texts=50)
_MODELS: Final = {"acme-1": RemoteModel(dimension=16, tokens=100)}
_CAUGHT: Final = (AssertionError, pytest.fail.Exception, MedhaError)
_NEEDS_AN_INSTALLED_PLUGIN: Final = {"test_it_works_by_name_and_without_an_event_loop_of_its_own"}


class AcmeSettings(RemoteEmbedderSettings):
    model_config = SettingsConfigDict(env_prefix="MEDHA_ACME_")

    model: str = "acme-1"


class Acme(RemoteEmbedder):
    """The sound one; its SDK is the standard library's, in a thread."""

    asymmetric: ClassVar[bool] = True
    accepted: ClassVar[dict[str, str]] = {}

    def __init__(self, settings: AcmeSettings) -> None:
        super().__init__(settings, _VENDOR, known_model(_MODELS, settings.model, settings.dimension, _VENDOR))
        self.settings = settings

    def open(self) -> None:
        self.key()

    async def shut(self) -> None:
        pass

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        return await asyncio.to_thread(self.post, {"texts": list(texts), "document": is_document, "model": self.model})

    @property
    def model(self) -> str:
        return self.settings.model

    def post(self, body: object) -> Any:
        headers = {"x-key": self.key(), **self.accepted}
        url = f"{self.settings.base_url}/embed"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - of this machine
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - an address of this machine
            return json.load(response)

    def read(self, answer: Any) -> Answer:
        return Answer(vectors=np.array(answer["vectors"], dtype=np.float32), tokens=answer["tokens"])

    def explain(self, fault: Exception) -> EmbedderError:
        if isinstance(fault, urllib.error.HTTPError):
            with fault:
                headers = {name.lower(): value for name, value in fault.headers.items()}
                return fault_of_status(self.vendor, fault.code, json.load(fault)["message"], headers)
        if isinstance(fault, OSError):
            return unreachable(self.vendor, type(fault).__name__)
        return not_understood(self.vendor, "") if isinstance(fault, ValueError) else unexpected(self.vendor, fault)


def acme_server() -> VendorServer:
    def answer(server: VendorServer, request: Request) -> object:
        if set(request.body) != {"texts", "document", "model"} or len(request.body["texts"]) > 50:
            raise RefusedError("unknown fields, or too many texts")
        dimension = 16 if request.body["model"] == "acme-1" else 48
        vectors = server.vectors(request.body["texts"], dimension, is_document=request.body["document"])
        return {"vectors": vectors, "tokens": server.count(request.body["texts"])}

    return VendorServer(answer, lambda _, message: {"message": message})


class NeverAsksAgain(Acme):
    def explain(self, fault: Exception) -> EmbedderError:
        return EmbedderUnavailableError(str(super().explain(fault)))


class ForgetsTheWait(Acme):
    def explain(self, fault: Exception) -> EmbedderError:
        error = super().explain(fault)
        if isinstance(error, EmbedderUnavailableError):
            error.retry_after = None
        return error


class AsksAgainWhateverItIs(Acme):
    def explain(self, fault: Exception) -> EmbedderError:
        return EmbedderUnavailableError(str(super().explain(fault)), transient=True)


class AsksTwiceByItself(Acme):
    def post(self, body: object) -> Any:
        try:
            return super().post(body)
        except urllib.error.HTTPError as fault:
            fault.close()
            return super().post(body)


class CallsTheSlowOneUnreachable(Acme):
    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        try:
            async with asyncio.timeout(self.settings.timeout / 2):
                return await super().send(texts, is_document=is_document)
        except TimeoutError:
            raise ConnectionError("gone") from None


class KnowsNoNetwork(Acme):
    def explain(self, fault: Exception) -> EmbedderError:
        return EmbedderError(str(super().explain(fault)))


class TakesAnythingForAnAnswer(Acme):
    def post(self, body: object) -> Any:
        try:
            return super().post(body)
        except ValueError:
            return None

    def read(self, answer: Any) -> Answer:
        try:
            return super().read(answer)
        except (TypeError, KeyError):
            return Answer(vectors=np.ones((2, 16), np.float32), tokens=None)


class FillsUp(Acme):
    """Makes the vectors fit, in number and dimension."""

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        answer = await super().send(texts, is_document=is_document)
        rows = [[*row, *[0.5] * 16][:16] for row in answer["vectors"]]
        return {**answer, "vectors": [*rows, *[[0.5] * 16] * len(texts)][: len(texts)]}


class AcceptsWhatItCannotRead(Acme):
    accepted: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip"}


class SendsAllAtOnce(Acme):
    def __init__(self, settings: AcmeSettings) -> None:
        super().__init__(settings.model_copy(update={"texts_per_request": None, "concurrency": 100}))


class StaysBusyWhenCancelled(Acme):
    busy = False

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        if self.busy:
            raise ConnectionError("the only slot is taken")
        self.busy = True
        answer = await super().send(texts, is_document=is_document)
        self.busy = False
        return answer


class SwallowsAFailedRequest(Acme):
    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        try:
            return await super().send(texts, is_document=is_document)
        except OSError:
            return {"vectors": [[0.5] * 16] * len(texts), "tokens": 0}


class AsksThoughItKnows(Acme):
    async def connect(self) -> None:
        await super().connect()
        await self.aembed("hello")


class GuessesTheDimension(Acme):
    def __init__(self, settings: AcmeSettings) -> None:
        super().__init__(settings)
        self._dimension = 16


class ConnectsAllTheSame(GuessesTheDimension):
    pass


class KnowsOneSide(Acme):
    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        return await super().send(texts, is_document=False)


class CountsNothing(Acme):
    def read(self, answer: Any) -> Answer:
        return Answer(vectors=super().read(answer).vectors, tokens=None)


class ShowsItsKey(Acme):
    def __repr__(self) -> str:
        return f"Acme({self.key()})"


class LogsQuestions(Acme):
    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        logging.getLogger("acme").warning("embedding %s", texts)
        return await super().send(texts, is_document=is_document)


class LeavesAConnection(Acme):
    left: ClassVar[list[socket.socket]] = []

    def open(self) -> None:
        port = int(str(self.settings.base_url).rpartition(":")[2])
        self.left.append(socket.create_connection(("127.0.0.1", port)))


PLANTED: list[tuple[type[Acme], str]] = [
    (NeverAsksAgain, "test_a_throttled_request_is_repeated_when_the_vendor_says"),
    (NeverAsksAgain, "test_a_failure_of_the_vendor_is_repeated"),
    (NeverAsksAgain, "test_a_connection_that_is_cut_is_repeated"),
    (AsksTwiceByItself, "test_what_stays_down_is_said_after_the_last_attempt"),
    (ForgetsTheWait, "test_a_vendor_that_wants_a_long_wait_is_left_alone"),
    (AsksAgainWhateverItIs, "test_a_refused_key_is_said_at_once"),
    (AsksAgainWhateverItIs, "test_an_unknown_model_is_said_at_once"),
    (AsksAgainWhateverItIs, "test_a_refused_text_is_said_at_once"),
    (CallsTheSlowOneUnreachable, "test_a_slow_vendor_is_a_timeout"),
    (KnowsNoNetwork, "test_a_vendor_that_is_not_there_is_unavailable"),
    (TakesAnythingForAnAnswer, "test_what_is_no_answer_is_an_error"),
    (FillsUp, "test_another_number_of_vectors_is_an_error"),
    (FillsUp, "test_another_dimension_is_an_error"),
    (AcceptsWhatItCannotRead, "test_a_compressed_answer_is_read_as_one_that_is_not"),
    (SendsAllAtOnce, "test_many_texts_go_in_requests_of_the_size_that_is_set"),
    (SendsAllAtOnce, "test_no_more_requests_than_set_are_under_way"),
    (StaysBusyWhenCancelled, "test_a_cancelled_request_gives_up_its_turn"),
    (SwallowsAFailedRequest, "test_one_failed_request_fails_the_whole_batch"),
    (AsksThoughItKnows, "test_a_known_model_is_not_asked_for_its_dimension"),
    (GuessesTheDimension, "test_an_unknown_model_is_asked_once_for_its_dimension"),
    (ConnectsAllTheSame, "test_an_unknown_model_that_cannot_be_asked_does_not_connect"),
    (KnowsOneSide, "test_every_text_is_sent_on_its_side"),
    (CountsNothing, "test_tokens_and_cost_are_in_the_statistics"),
    (ShowsItsKey, "test_the_key_is_seen_nowhere"),
    (LogsQuestions, "test_no_question_is_seen_in_an_error_nor_in_a_log_above_debug"),
    (LeavesAConnection, "test_closing_leaves_no_connection_open"),
]
OWN_TESTS: Final = RemoteEmbedderSuite.standard_tests - EmbedderSuite.standard_tests - _NEEDS_AN_INSTALLED_PLUGIN


@pytest.fixture
def run(
    tmp_path: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, type[Acme]], Any]]:
    """Runs one standard test, with each of its parameters, on embedders of a class."""
    monkeypatch.setattr(vendor, "_AT_MOST", 2.0)

    async def run(test: str, kind: type[Acme]) -> None:
        method: Any = getattr(RemoteEmbedderSuite(), test)
        marks = [mark for mark in method.pytestmark if mark.name == "parametrize"]
        for arguments in [{mark.args[0]: value} for mark in marks for value in mark.args[1]] or [{}]:
            with acme_server() as server:
                settings = {"base_url": server.url, "api_key": "a-key-of-the-tests", "over_long": "truncate"}

                def make_with(settings: dict[str, Any] = settings, **changed: Any) -> Acme:
                    chosen: dict[str, Any] = {"retry_wait": 0.001} | settings | changed
                    return kind(AcmeSettings(**chosen))

                values = {"vendor": server, "make_with": make_with, "tmp_path": tmp_path, "caplog": caplog}
                names = inspect.signature(method).parameters
                asked = make_with()
                if "asked" in names:
                    await asked.connect()
                try:
                    found = {**values, **arguments, "asked": asked}
                    await method(**{name: found[name] for name in names})
                finally:
                    await asked.close()
                assert server.refusals == []

    yield run
    while LeavesAConnection.left:
        LeavesAConnection.left.pop().close()


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Acme], test: str, run: Any) -> None:
    with pytest.raises(_CAUGHT):
        await run(test, broken)


@pytest.mark.parametrize("test", sorted(OWN_TESTS))
async def test_a_sound_embedder_passes(test: str, run: Any) -> None:
    await run(test, Acme)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == OWN_TESTS
