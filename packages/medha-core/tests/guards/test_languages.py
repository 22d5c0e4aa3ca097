"""A language is a file; a question in a language without one must be equal in every word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import medha.guards
from medha.guards.language import language_of, languages
from medha.guards.reading import read
from medha.guards.scan import pieces
from medha.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

# One question a language without a file, and the same with one word put in, taken out, changed, or moved.
STRANGE = {
    "German": [
        "Wie viele Kunden in Berlin haben mehr als 5 Bestellungen?",
        "Wie viele Kunden in Berlin haben weniger als 5 Bestellungen?",
        "Wie viele Kunden in Berlin haben mehr als 6 Bestellungen?",
        "Wie viele Kunden in Berlin haben nicht mehr als 5 Bestellungen?",
        "Wie viele Kunden in Köln haben mehr als 5 Bestellungen?",
        "Wie viele Kunden haben in Berlin mehr als 5 Bestellungen?",
        "Wie viele Kunde in Berlin haben mehr als 5 Bestellungen?",
        "Kunden in Berlin haben mehr als 5 Bestellungen?",
    ],
    "French": [
        "Combien de clients de Lyon ont plus de 1,500 commandes ?",
        "Combien de clients de Lyon ont moins de 1,500 commandes ?",
        "Combien de clients de Lyon ont plus de 1500 commandes ?",
        "Combien de clients de Lyon n'ont pas plus de 1,500 commandes ?",
        "Combien de commandes de Lyon ont plus de 1,500 clients ?",
        "Combien de client de Lyon ont plus de 1,500 commandes ?",
        "Quels clients de Lyon ont plus de 1,500 commandes ?",
    ],
    "Spanish": [
        "¿Cuántos pedidos de ayer tienen descuento?",
        "¿Cuántos pedidos de hoy tienen descuento?",
        "¿Cuántos pedidos de ayer no tienen descuento?",
        "¿Cuántos pedidos de ayer tienen el descuento?",
        "¿Cuántos descuentos de ayer tienen pedido?",
        "¿Cuántos pedido de ayer tienen descuento?",
    ],
    "Hindi": [
        "दिल्ली में कितने ग्राहक सक्रिय हैं?",
        "दिल्ली में कितने ग्राहक निष्क्रिय हैं?",
        "मुंबई में कितने ग्राहक सक्रिय हैं?",
        "दिल्ली में कितने ग्राहक सक्रिय नहीं हैं?",
        "दिल्ली में ग्राहक कितने सक्रिय हैं?",
    ],
    "Chinese": [
        "北京有多少活跃客户？",
        "上海有多少活跃客户？",
        "北京有多少不活跃客户？",
        "北京有哪些活跃客户？",
        "北京 有多少活跃客户？",
    ],
}


# Names of tables and keys in the data files, and of fields.
_TABLES = frozenset(
    [
        "order",
        "and",
        "or",
        "words",
        "end",
        "before",
        "after",
        "not_before",
        "count",
        "content",
        "number",
        "never",
        "months",
    ]
)


@pytest.mark.parametrize("language", sorted(STRANGE))
def test_without_a_file_every_word_counts(objections: Callable[..., list[str]], language: str) -> None:
    questions = STRANGE[language]
    for asked in questions:
        assert objections(asked, asked.rstrip("?？ ")) == []
        for stored in questions:
            assert (objections(asked, stored) == []) is (asked == stored), (asked, stored)


@pytest.mark.parametrize("question", [question for questions in STRANGE.values() for question in questions])
def test_no_other_language_is_taken_for_one_that_has_a_file(question: str) -> None:
    assert language_of([piece.lower() for piece in pieces(normalize(question))]).code == ""


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("Quali sono gli ordini dell'anno?", "it"),
        ("ordini dell'ufficio", "it"),
        ("which orders are of the shop", "en"),
        ("which songs have the words 'dove sono gli altri' in the title", "en"),
        ("quali canzoni della band hanno 'the' nel titolo", "it"),
    ],
)
def test_a_language_is_told_by_its_signals(question: str, code: str) -> None:
    assert read(question).language.code == code


def test_no_two_languages_share_a_signal() -> None:
    for one in languages():
        for other in languages():
            assert one is other or one.signals.isdisjoint(other.signals)


def test_the_code_of_the_guards_knows_no_word_of_any_language() -> None:
    """A word of a list that stands as a text in the code would be a language built in."""
    words = {
        word
        for language in languages()
        for words in (language.function, language.negations, language.logic, language.signals, set(language.opposites))
        for word in words
    }
    for file in sorted(Path(medha.guards.__file__).parent.glob("*.py")):
        code = re.sub(r'"""(?:.|\n)*?"""|#.*', "", file.read_text("utf-8"))
        texts = {text for text in re.findall(r'"([^"\n]*)"', code) if " " not in text and "{" not in text}
        assert (texts & words) - _TABLES - set(dir(medha.guards)) == set(), file.name


def test_italian_figures_are_read_the_italian_way() -> None:
    tokens = read("quali ordini sono sopra 2.000 euro e 2,5 kg").tokens
    assert "2000" in tokens
    assert "2.5" in tokens
    assert "2.5" not in read("quali ordini sono sopra 2.5 kg").tokens
