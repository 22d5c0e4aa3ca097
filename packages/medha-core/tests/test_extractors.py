"""Parameters whose value an extractor points out: every other word still counts, and a fault is never an answer."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import UNSET, Extractor, Medha, MedhaSync, QueryTemplate, SearchStrategy, Settings, Span
from medha.errors import ConfigurationError, ExtractorUnavailableError, PluginNotFoundError, TemplateError
from medha.normalize import normalize
from medha.templates.extracting import Extracted
from medha.templates.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import WordsEmbedder

USERS: Final[dict[str, Any]] = {
    "intent": "users_of",
    "template_text": "users from {country}",
    "query_template": "SELECT name FROM users WHERE country = {country}",
    "parameters": {"country": {"type": "string", "extractor": "gazetteer", "label": "GPE"}},
}
PLACES: Final = ("united states", "the United States", "Germany", "germany", "new york", "Isle of Man", "Rome", "Paris")


class Gazetteer(Extractor):
    """A rule: known phrases and their labels, each as sure as it was told."""

    def __init__(self, phrases: dict[str, str] | None = None, *, confidence: float = 1.0) -> None:
        self.phrases = dict.fromkeys(PLACES, "GPE") if phrases is None else phrases
        self.confidence = confidence
        self.asked: list[tuple[list[str], list[str]]] = []
        self.opened = 0
        self.answer: Any = UNSET
        """What it returns instead, or raises."""

    @property
    def labels(self) -> Sequence[str]:
        return ["GPE", "PERSON"]

    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        self.asked.append((list(texts), list(labels)))
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not UNSET:
            return self.answer
        return [self._spans(text, labels) for text in texts]

    def _spans(self, text: str, labels: Sequence[str]) -> list[Span]:
        return [
            Span(*found.span(), label, self.confidence)
            for phrase, label in self.phrases.items()
            for found in re.finditer(rf"(?<!\w){re.escape(phrase)}(?!\w)", text)
            if label in labels
        ]

    async def connect(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened -= 1


def values(template: dict[str, Any], question: str, phrases: dict[str, str]) -> list[dict[str, Any]]:
    normalized = normalize(question)
    spans = Gazetteer(phrases)._spans(normalized, ["GPE", "PERSON", "DATE"])
    extracted = Extracted({"gazetteer": tuple(spans)}, {})
    found = Matcher([QueryTemplate.model_validate(template)]).match(normalized, extracted)
    return [dict(match.values) for match in found]


async def test_a_name_in_lower_case_is_a_value_when_the_extractor_says_so(embedder: WordsEmbedder) -> None:
    plain = USERS | {"parameters": ["country"]}
    async with Medha("tests", embedder, templates=[plain]) as cache:
        assert not await cache.search("users from new york")
    async with Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": Gazetteer()}) as cache:
        hit = await cache.search("Show me the users from new york, please")
        assert hit.strategy is SearchStrategy.TEMPLATE_MATCH
        assert hit.generated_query == "SELECT name FROM users WHERE country = 'new york'"
        assert hit.parameters == {"country": "new york"}
        assert not await cache.search("users from Atlantis")


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("users from Germany?", "Germany"),
        ("users from the United States", "United States"),
        ("users from Isle of Man", "Isle of Man"),
        ("the users from united states", "united states"),
    ],
)
def test_the_labelled_piece_is_the_value(question: str, value: str) -> None:
    assert values(USERS, question, dict.fromkeys(PLACES, "GPE")) == [{"country": value}]


@pytest.mark.parametrize(
    ("question", "labelled"),
    [
        ("users from germany that are not active", "germany that are not active"),
        ("users from germany or france", "germany or france"),
        ("users from germany except berlin", "germany except berlin"),
        ("users from only germany", "only germany"),
        ("users from Germany, France", "Germany, France"),
        ("users not from Germany", "Germany"),
        ("users from outside Germany", "Germany"),
        ("users from outside Germany", "outside Germany"),
        ("active users from Germany", "Germany"),
        ("users from Germany in 2020", "Germany"),
        ("users from Germany's", "Germany"),
        ("users from Germany?", "Germany?"),
        ("users from the", "the"),
    ],
)
def test_no_label_makes_a_word_count_less(question: str, labelled: str) -> None:
    assert values(USERS, question, {labelled: "GPE"}) == []


@given(st.sampled_from(["not", "or", "and", "except", "without", "that", "only", "never", "than", "from"]), st.data())
def test_a_word_that_turns_the_question_is_part_of_no_lower_case_name(word: str, data: st.DataObject) -> None:
    around = st.sampled_from(["germany", "berlin", "active", "old"])
    name = f"{data.draw(around)} {word} {data.draw(around)}"
    assert values(USERS, f"users from {name}", {name: "GPE"}) == []


def test_in_a_language_without_word_lists_no_words_in_lower_case_are_one_name() -> None:
    kayttajat = USERS | {"template_text": "kayttajat maasta {country}"}
    assert values(kayttajat, "kayttajat maasta saksa", {"saksa": "GPE"}) == [{"country": "saksa"}]
    assert values(kayttajat, "kayttajat maasta New York", {"New York": "GPE"}) == [{"country": "New York"}]
    assert values(kayttajat, "kayttajat maasta saksa eika ranska", {"saksa eika ranska": "GPE"}) == []


def test_another_label_is_no_value() -> None:
    assert values(USERS, "users from Paris", {"Paris": "PERSON"}) == []


def test_two_blanks_of_one_label_keep_their_places() -> None:
    of_label = {"extractor": "gazetteer", "label": "GPE"}
    flights = USERS | {
        "template_text": "flights from {a} to {b}",
        "query_template": "SELECT {a}, {b}",
        "parameters": {"a": of_label, "b": of_label},
    }
    labelled = dict.fromkeys(["new york", "rome"], "GPE")
    assert values(flights, "flights from rome to new york", labelled) == [{"a": "rome", "b": "new york"}]
    assert values(flights, "flights from new york to rome", labelled) == [{"a": "new york", "b": "rome"}]
    assert values(flights, "flights to rome from new york", labelled) == []


def test_a_labelled_day_must_still_be_a_day() -> None:
    orders = USERS | {
        "template_text": "orders on {day}",
        "query_template": "SELECT 1 FROM o WHERE d = {day}",
        "parameters": {"day": {"type": "date", "extractor": "gazetteer", "label": "DATE"}},
    }
    labelled = dict.fromkeys(["12 August 2026", "yesterday"], "DATE")
    assert [str(found["day"]) for found in values(orders, "orders on 12 August 2026", labelled)] == ["2026-08-12"]
    assert values(orders, "orders on yesterday", labelled) == []


async def test_overlapping_labels_that_leave_two_readings_are_a_miss(embedder: WordsEmbedder) -> None:
    twice = USERS | {"template_text": "{country} users", "query_template": "SELECT {country}"}
    both = Gazetteer({"New York": "GPE", "New York New York": "GPE"})
    async with Medha("tests", embedder, templates=[twice], extractors={"gazetteer": both}) as cache:
        hit = await cache.search("New York New York users")
        assert hit.parameters == {"country": "New York New York"}
    spans = (Span(0, 8, "GPE"), Span(0, 12, "GPE"))
    template = QueryTemplate.model_validate(
        USERS | {"template_text": "{country}", "query_template": "SELECT {country}"}
    )
    assert Matcher([template]).match("New York, NY", Extracted({"gazetteer": spans}, {})) == []


@pytest.mark.parametrize(("confidence", "served"), [(1.0, True), (0.86, True), (0.84, False), (0.0, False)])
async def test_an_unsure_label_is_a_miss(embedder: WordsEmbedder, confidence: float, served: bool) -> None:
    unsure = Gazetteer(confidence=confidence)
    async with Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": unsure}) as cache:
        hit = await cache.search("users from Rome")
        assert bool(hit) is served
        assert not served or hit.confidence == pytest.approx(min(confidence, 1.0))


# ---- what is asked, and when ----


async def test_an_extractor_is_asked_only_where_a_template_comes_near_and_once_a_question(
    embedder: WordsEmbedder,
) -> None:
    gazetteer = Gazetteer()
    async with Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": gazetteer}) as cache:
        await cache.search("How many albums are there?")
        assert gazetteer.asked == []
        for _ in range(3):
            assert await cache.search("users from Rome")
        assert gazetteer.asked == [(["users from Rome"], ["GPE"])]


async def test_it_is_asked_for_all_labels_of_all_templates_at_once(embedder: WordsEmbedder) -> None:
    by_person = {"extractor": "gazetteer", "label": "PERSON"}
    albums = {
        "intent": "a",
        "template_text": "albums by {p}",
        "query_template": "SELECT {p}",
        "parameters": {"p": by_person},
    }
    gazetteer = Gazetteer()
    async with Medha("tests", embedder, templates=[USERS, albums], extractors={"gazetteer": gazetteer}) as cache:
        assert await cache.search("users from Rome")
        assert gazetteer.asked == [(["users from Rome"], ["GPE", "PERSON"])]


async def test_an_extractor_that_no_template_asks_is_not_opened(embedder: WordsEmbedder) -> None:
    gazetteer = Gazetteer()
    async with Medha("tests", embedder, extractors={"gazetteer": gazetteer}) as cache:
        assert gazetteer.opened == 0
        await cache.load_templates([USERS])
        assert gazetteer.opened == 1
        assert await cache.search("users from Rome")
    assert gazetteer.opened == 1, "what was given is not closed"


# ---- refused at the door ----


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"extractor": "gazetteer"}, "needs both an extractor and the label"),
        ({"label": "GPE"}, "needs both an extractor and the label"),
        ({"type": "int", "extractor": "g", "label": "N"}, "is of type int, which needs no extractor"),
        (
            {"type": "enum", "values": ["a"], "extractor": "g", "label": "N"},
            "is of type enum, which needs no extractor",
        ),
    ],
)
def test_a_parameter_that_cannot_ask_an_extractor_is_refused(parameter: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QueryTemplate.model_validate(USERS | {"parameters": {"country": parameter}})


async def test_an_extractor_that_is_not_installed_is_refused_at_start(embedder: WordsEmbedder) -> None:
    with pytest.raises(PluginNotFoundError, match=r"no extractor named 'gazetteer'.*Try: pip install medha-gazetteer"):
        await Medha("tests", embedder, templates=[USERS]).start()


async def test_a_label_that_the_extractor_does_not_have_is_refused_and_the_former_templates_stay(
    embedder: WordsEmbedder,
) -> None:
    misspelt = USERS | {"parameters": {"country": {"extractor": "gazetteer", "label": "GEP"}}}
    async with Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": Gazetteer()}) as cache:
        with pytest.raises(
            TemplateError, match="'users_of' asks the extractor 'gazetteer' for the label 'GEP'; it gives GPE, P"
        ):
            await cache.load_templates([misspelt])
        assert await cache.search("users from Rome")


async def test_what_is_no_extractor_is_refused(embedder: WordsEmbedder) -> None:
    with pytest.raises(ConfigurationError, match=r"extractors\['gazetteer'\] must be an Extractor, not str"):
        await Medha("tests", embedder, extractors={"gazetteer": "spacy"}).start()  # pyright: ignore[reportArgumentType]


async def test_one_that_does_not_load_fails_the_start_with_its_cause(embedder: WordsEmbedder) -> None:
    class Broken(Gazetteer):
        async def connect(self) -> None:
            raise OSError("no such file")

    with pytest.raises(ExtractorUnavailableError, match="'gazetteer' could not get ready: OSError: no such file"):
        await Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": Broken()}).start()


# ---- a fault is never an answer ----


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (TemplateError("odd"), "TemplateError: odd"),
        (None, "did not return one list"),
        ((), "did not return one list"),
        (((), ()), "did not return one list"),
        ([["Rome"]], "returned a str, not a Span"),
        ([[Span(11, 16, "GPE")]], "a span from 11 to 16 of 15 characters"),
        ([[Span(-4, 15, "GPE")]], "a span from -4 to 15"),
        ([[Span(15, 15, "GPE")]], "a span from 15 to 15"),
        ([[Span(11, 15, "ORG")]], "the label 'ORG'; asked for were GPE"),
        ([[Span(11, 15, "GPE", float("nan"))]], "the confidence nan"),
        ([[Span(11, 15, "GPE", 1.1)]], "the confidence 1.1"),
    ],
)
async def test_a_failing_extractor_is_a_miss_that_is_told_and_counted(
    embedder: WordsEmbedder, answer: Any, reason: str
) -> None:
    gazetteer = Gazetteer()
    gazetteer.answer = answer
    async with Medha("tests", embedder, templates=[USERS], extractors={"gazetteer": gazetteer}) as cache:
        hit = await cache.search("users from Rome")
        assert not hit
        assert "the extractor 'gazetteer' failed: " in hit.reason
        assert reason in hit.reason
        assert sum(cache.stats().errors.values()) == 1
        decision = await cache.explain("users from Rome")
        assert any(reason in trace.reason for trace in decision.tiers if trace.tier == "template")
        assert sum(cache.stats().errors.values()) == 1, "explain counts nothing"
        gazetteer.answer = UNSET
        assert await cache.search("users from Rome"), "a failure is not remembered"


async def test_an_extractor_that_does_not_answer_in_time_is_a_miss(embedder: WordsEmbedder) -> None:
    class Stuck(Gazetteer):
        async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
            await asyncio.Event().wait()
            raise AssertionError

    settings = Settings(extraction_timeout=0.01)
    async with Medha("tests", embedder, None, settings, [USERS], extractors={"gazetteer": Stuck()}) as cache:
        assert "no spans within 0.01 s (extraction_timeout)" in (await cache.search("users from Rome")).reason
        assert dict(cache.stats().errors) == {"ExtractorTimeoutError": 1}


@pytest.mark.parametrize(("priority", "served"), [(1, False), (0, False), (2, True)])
async def test_while_an_extractor_is_down_no_template_of_lower_rank_takes_its_place(
    embedder: WordsEmbedder, priority: int, served: bool
) -> None:
    other = USERS | {"intent": "other", "parameters": ["country"], "priority": priority}
    gazetteer = Gazetteer()
    gazetteer.answer = RuntimeError("down")
    async with Medha("tests", embedder, templates=[USERS, other], extractors={"gazetteer": gazetteer}) as cache:
        assert bool(await cache.search("users from Rome")) is served


def test_the_blocking_facade_takes_extractors_too(embedder: WordsEmbedder) -> None:
    with MedhaSync("tests", embedder, templates=[USERS], extractors={"gazetteer": Gazetteer()}) as cache:
        assert cache.search("users from new york").parameters == {"country": "new york"}
