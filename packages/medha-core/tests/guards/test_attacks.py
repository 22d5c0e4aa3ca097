"""Attacks: one thing in a question is replaced, swapped, negated, moved or taken away, and no guard may let it pass.

How a question is changed is written here by hand and knows nothing of how the guards read it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Objections = Callable[..., list[str]]

ENGLISH: Final = [
    "How many customers in Germany ordered more than 5 guitars in 2024?",
    "Show the top 10 albums by Queen with their average price",
    "Which flights from Rome to Paris leave before 10:30 on 2026-08-12?",
    "List the employees who are not managers and earn over 2,500 euros",
    "What is the total revenue per store and month for 2023?",
    "Which nurses in ward 3 worked on Monday or Tuesday?",
    "Show the oldest patients of Doctor Grey that were admitted in March",
    'What are the tracks named "Hello World" by Nina Simone?',
    "How many distinct users follow Ann but not Bob?",
    "Give me the cheapest 3 rooms in Oslo with a balcony",
    "Which shops sold at least 20 pianos between 2019 and 2021?",
    "What is the maximum salary of active pilots in Norway?",
    "Show the orders of Acme sorted by date descending",
    "Which students from Texas passed Algebra before May 2022?",
    "Is there a clinic in Oslo that is open on Sunday?",
    "Who approved the invoice 4711 of Globex?",
    "List parcels heavier than 2.5 kg sent by Ann to Bob",
    "What percentage of the trains between Turin and Milan were late by 15 minutes?",
    "Show all movies that Alice and Carol both rated above 4",
    "How many rejected claims of Initech are older than 30 days?",
    "Which authors wrote the longest books of the smallest publishers?",
    "Show the average rent of furnished flats in Bergen per year",
    "Which teams from Spain beat Ajax in the final of 1995?",
    "Count the tickets that were closed without a reply last week",
]
ITALIAN: Final = [
    "Quanti clienti di Roma hanno ordinato più di 5 libri nel 2024?",
    "Mostra i 10 prodotti più venduti degli uffici di Milano con il prezzo medio",
    "Quali voli da Roma a Parigi partono prima del 12/08/2026?",
    "Elenca i dipendenti che non sono dirigenti e guadagnano oltre 2.500 euro",
    "Qual è il totale delle vendite per negozio e mese nel 2023?",
    "Quali ordini di Anna sono stati spediti lunedì o martedì?",
    "Quante fatture della Rossi sono aperte senza pagamento?",
    "Qual è lo stipendio massimo dei piloti attivi di Torino?",
    "Quali studenti della Toscana hanno superato Algebra dopo maggio 2022?",
    "Mostra le 3 stanze più economiche della città di Siena con balcone",
]
NAMES: Final = ["Zagreb", "Wanda", "Umbrella", "Quito"]
PAIRS: Final = [
    tuple(pair.split("/"))
    for pair in [
        "more/less",
        "most/least",
        "top/bottom",
        "before/after",
        "over/under",
        "above/below",
        "oldest/newest",
        "cheapest/priciest",
        "longest/shortest",
        "smallest/largest",
        "maximum/minimum",
        "average/total",
        "total/average",
        "descending/ascending",
        "and/or",
        "or/and",
        "without/with",
        "with/without",
        "active/inactive",
        "least/most",
        "heavier/lighter",
        "older/newer",
        "distinct/all",
        "rejected/accepted",
        "closed/opened",
        "Monday/Friday",
        "March/April",
        "last/next",
        "kg/lb",
        "minutes/hours",
        "euros/dollars",
        "days/weeks",
        "both/either",
        "from/to",
        "per/of",
        "who/when",
        "not/all",
        "furnished/unfurnished",
        "più/meno",
        "prima/dopo",
        "senza/con",
        "con/senza",
        "massimo/minimo",
        "medio/totale",
        "oltre/sotto",
        "attivi/inattivi",
        "lunedì/venerdì",
        "maggio/aprile",
        "mese/anno",
        "dopo/prima",
        "euro/dollari",
        "e/o",
        "o/e",
        "non/già",
    ]
]
FRAME: Final = frozenset(
    [
        "a",
        "all",
        "are",
        "by",
        "che",
        "count",
        "degli",
        "dei",
        "della",
        "delle",
        "di",
        "elenca",
        "give",
        "hanno",
        "how",
        "i",
        "il",
        "in",
        "is",
        "it",
        "la",
        "le",
        "list",
        "lo",
        "many",
        "me",
        "mostra",
        "nel",
        "of",
        "on",
        "qual",
        "quali",
        "quante",
        "show",
        "sono",
        "stati",
        "that",
        "the",
        "their",
        "there",
        "to",
        "were",
        "what",
        "which",
        "who",
        "with",
        "è",
    ]
)
"""What may be left out, or what is at either end of a phrase that may."""

questions = st.sampled_from([*ENGLISH, *ITALIAN])
attack = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _rejected(objections: Objections, question: str, changed: str) -> None:
    assume(changed != question)
    assert objections(question, changed), f"{question!r} would be answered with the query of {changed!r}"


@pytest.mark.parametrize("question", [*ENGLISH, *ITALIAN])
def test_each_question_is_itself(objections: Objections, question: str) -> None:
    assert objections(question, f"  {question.rstrip('?')}  ") == []


@attack
@given(questions, st.integers(0, 9), st.integers(1, 4000))
def test_another_number_is_another_question(objections: Objections, question: str, place: int, number: int) -> None:
    found = list(re.finditer(r"(?<![\d.,:/-])\d+(?![\d.,:/-])", question))
    assume(found)
    chosen = found[place % len(found)]
    assume(int(chosen.group()) != number)
    _rejected(objections, question, f"{question[: chosen.start()]}{number}{question[chosen.end() :]}")


@attack
@given(questions, st.integers(0, 30), st.integers(0, 9))
def test_another_digit_anywhere_is_another_question(
    objections: Objections, question: str, place: int, digit: int
) -> None:
    found = [index for index, letter in enumerate(question) if letter.isdigit()]
    assume(found)
    index = found[place % len(found)]
    assume(question[index] != str(digit))
    _rejected(objections, question, f"{question[:index]}{digit}{question[index + 1 :]}")


@attack
@given(questions, st.integers(0, 9), st.sampled_from(NAMES))
def test_another_name_is_another_question(objections: Objections, question: str, place: int, name: str) -> None:
    found = list(re.finditer(r"(?<=\s)[A-Z]\w+", question))
    assume(found)
    chosen = found[place % len(found)]
    changed = f"{question[: chosen.start()]}{name}{question[chosen.end() :]}"
    _rejected(objections, question, changed)
    _rejected(objections, question.lower(), changed.lower())


@pytest.mark.parametrize("question", [*ENGLISH, *ITALIAN])
def test_a_word_that_turns_the_question_round_is_another_question(objections: Objections, question: str) -> None:
    for one, other in PAIRS:
        changed = re.sub(rf"(?<!\w){one}(?!\w)", other, question, count=1)
        assert changed == question or objections(question, changed), changed


@attack
@given(questions, st.integers(0, 30), st.integers(0, 30))
def test_two_words_that_change_places_are_another_question(
    objections: Objections, question: str, one: int, other: int
) -> None:
    words = question.rstrip("?").split()
    content = [index for index, word in enumerate(words) if word.lower() not in FRAME and index > 1]
    here, there = content[one % len(content)], content[other % len(content)]
    assume(words[here] != words[there])
    words[here], words[there] = words[there], words[here]
    _rejected(objections, question, " ".join(words))


@attack
@given(questions, st.integers(0, 30))
def test_a_word_that_is_left_out_makes_another_question(objections: Objections, question: str, place: int) -> None:
    words = question.rstrip("?").split()
    content = [index for index, word in enumerate(words) if word.lower() not in FRAME]
    del words[content[place % len(content)]]
    _rejected(objections, question, " ".join(words))


@attack
@given(
    questions,
    st.integers(1, 30),
    st.sampled_from(["not", "never", "only", "without", "except", "non", "mai", "solo", "tranne", "distinct", "7"]),
)
def test_a_negation_or_condition_put_in_makes_another_question(
    objections: Objections, question: str, place: int, word: str
) -> None:
    words = question.rstrip("?").split()
    words.insert(1 + place % len(words), word)
    _rejected(objections, question, " ".join(words))


@attack
@given(questions, st.integers(0, 30), st.sampled_from("'\"–-.,;:()%$#@!\u200b\u0430е"))
def test_a_sign_put_inside_a_word_makes_another_question(
    objections: Objections, question: str, place: int, sign: str
) -> None:
    words = question.rstrip("?").split()
    content = [index for index, word in enumerate(words) if word.isalpha() and len(word) > 3 and index > 1]
    assume(content)
    index = content[place % len(content)]
    words[index] = words[index][:2] + sign + words[index][2:]
    _rejected(objections, question, " ".join(words))


@pytest.mark.parametrize("one", ENGLISH)
def test_no_two_questions_are_one(objections: Objections, one: str) -> None:
    assert [other for other in (*ENGLISH, *ITALIAN) if other != one and not objections(one, other)] == []
