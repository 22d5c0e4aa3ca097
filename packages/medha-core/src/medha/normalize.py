"""Question text to canonical text: what makes two wordings one and the same question.

Only what can never change the meaning is folded: Unicode form, white space, trailing punctuation, polite frames, and
the capital of an opening function word. Case is kept everywhere else, and quoted literals are kept as they are, since
``BOB`` and ``bob`` may be two customers.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRAIGHT_QUOTES: Final = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "＂": '"', "＇": "'", "｀": "`"}
)
# NFKC makes 10² into 102, 2½ into 21⁄2 and 1⑤ into 15, which are other numbers
_KEPT_BY_NFKC: Final = re.compile("([⁰¹²³⁴-₎¼-¾⅐-⅟↉①-⑳⒈-⒛⓪㉑-㉟㊱-㋋㍘-㍰㏠-㏾\U0001f100-\U0001f10a]+)")
_LONG: Final = 512
_OPENING: Final = re.compile(r"""["«`]|(?<!\w)'""")
_QUOTE_MARK: Final = re.compile("[\"'`«]")
_CLOSING: Final = {
    '"': re.compile('"'),
    "«": re.compile("»"),
    "`": re.compile("`"),
    "'": re.compile(r"'(?!\w)"),
}
_SPACE: Final = re.compile(r"\s+")
_TRAILING: Final = " ?.!,;:。、؟"

_REQUEST: Final = r"(?:show|tell|give|list|find|get|display|return|fetch|provide|count|calculate|compute|let)"
_ASKING: Final = r"(?:how|what|which|who|whose|whom|where|when|is|are|do|does|did|can|could|would)"
_POLITE: Final = r"(?:please|kindly|i|i'd|may|will|let)"
_LEADING_FRAME: Final = re.compile(
    rf"""(?:
        (?:hi|hello|hey)(?:\ there)?\ ?[,!]\ ?(?=(?:{_REQUEST}|{_ASKING}|{_POLITE})\b)
      | (?:please|kindly)(?:\ |,\ )(?={_REQUEST}\b|{_ASKING}\b)
      | (?:can|could|would|will)\ you\ (?:please\ |kindly\ )?(?={_REQUEST}\b)
      | (?:can|could|may)\ i\ please\ (?:see|get|have)\ (?=\S)
      | (?:can|could|may)\ i\ (?:see|get|have)\ (?=(?:the|all|a\ list|{_ASKING})\b)
      | i(?:'d|\ would)\ like\ to\ (?:know|see)\ (?=\S)
      | i\ want\ to\ (?:know|see)\ (?=\S)
      | (?:show|tell|give)\ me\ (?=\S)
      | let\ me\ know\ (?=\S)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# "Show Me Love sales" and "Tell Me Why plays" begin with names.
_NAME: Final = re.compile(r" (?!I\b)[A-Z]")
# After one of these a comma or a question mark that stands apart is what is asked for: "names that contain ?".
_BEFORE_A_SIGN: Final = re.compile(r"\b(?:with|contains?|containing|and|or|by|symbol|character)\Z", re.IGNORECASE)
_LONGEST_BEFORE_A_SIGN: Final = len(" containing")
# "tracks on the album Please" must keep its last word, so only a clause of its own is a frame
_TRAILING_WORDS: Final = ("please", "Please", "thanks", "Thanks", "thank you", "Thank you")
_TRAILING_FRAME: Final = re.compile(
    r"(?:[,;] ?(?:please|thanks|thank you)|[.!?] ?(?:[Pp]lease|[Tt]hanks|[Tt]hank you))\Z"
)
_LONGEST_TRAILING_FRAME: Final = len(", thank you")
_OPENING_WORDS: Final = frozenset(
    {
        *("how", "what", "which", "who", "whose", "whom", "where", "when", "is", "are", "do", "does", "did", "has"),
        *("have", "show", "list", "give", "find", "get", "display", "count", "return", "fetch", "the", "a", "an"),
        *("in", "of", "for", "from", "all", "tell", "provide"),
    }
)
_FIRST_WORD: Final = re.compile(r"[A-Z][a-z]*(?=\s|\Z)")


def normalize(text: str) -> str:
    """The canonical text; normalising it again changes nothing. Never empty unless ``text`` is blank."""
    text = text.strip() if text.isascii() else _compose(text.translate(_STRAIGHT_QUOTES)).strip()
    return _lower_opening_word(_without_frames(_collapse_spaces(text)))


def quoted_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each quoted literal, its quotes included. An apostrophe inside a word opens nothing."""
    unclosed: set[str] = set()
    position = 0
    while opening := _OPENING.search(text, position):
        kind = opening.group()
        closing = None if kind in unclosed else _CLOSING[kind].search(text, opening.end())
        if closing is None:
            unclosed.add(kind)
            position = opening.end()
        else:
            yield opening.start(), closing.end()
            position = closing.end()


def _compose(text: str) -> str:
    """NFKC, but NFC for what stands in quotes: wide letters may be the name of another customer."""
    for _ in range(3):
        pieces: list[str] = []
        position = 0
        for start, end in quoted_spans(text):
            pieces += (_fold(text[position:start]), _ordered("NFC", text[start:end]))
            position = end
        pieces.append(_fold(text[position:]))
        # a piece may compose with its neighbour
        composed = unicodedata.normalize("NFC", "".join(pieces)).translate(_STRAIGHT_QUOTES)
        if composed == text:
            return text
        text = composed
    # what was folded has moved the quotes about: then they quote nothing
    return unicodedata.normalize("NFC", _fold(text)).translate(_STRAIGHT_QUOTES)


def _fold(text: str) -> str:
    return "".join(
        piece if index % 2 else _ordered("NFKC", piece) for index, piece in enumerate(_KEPT_BY_NFKC.split(text))
    )


def _ordered(form: Literal["NFC", "NFKC"], text: str) -> str:
    return unicodedata.normalize(form, _in_canonical_order("NFD" if form == "NFC" else "NFKD", text))


def _in_canonical_order(form: Literal["NFD", "NFKD"], text: str) -> str:
    """The decomposition of a long text; ``unicodedata`` would order a run of combining marks in quadratic time."""
    if len(text) <= _LONG:
        return text
    pieces: list[str] = []
    decomposed = "".join([unicodedata.normalize(form, character) for character in text])
    for _, run in groupby(decomposed, key=lambda character: unicodedata.combining(character) > 0):
        pieces += sorted(run, key=unicodedata.combining)
    return "".join(pieces)


def _collapse_spaces(text: str) -> str:
    if not _QUOTE_MARK.search(text):
        return " ".join(text.split())
    pieces: list[str] = []
    position = 0
    for start, end in quoted_spans(text):
        pieces += (_SPACE.sub(" ", text[position:start]), text[start:end])
        position = end
    pieces.append(_SPACE.sub(" ", text[position:]))
    return "".join(pieces).strip()


def _without_frames(text: str) -> str:
    """Moves the two ends and cuts once, so that a text of nothing but frames takes linear time."""
    start, end, before = 0, len(text), (0, 0)
    while (start, end) != before:
        before = start, end
        end = _without_punctuation(text, start, end)
        if text.endswith(_TRAILING_WORDS, start, end):
            frame = _TRAILING_FRAME.search(text, max(start, end - _LONGEST_TRAILING_FRAME), end)
            end = frame.start() if frame and frame.start() > start else end
        frame = _LEADING_FRAME.match(text, start, end)
        start = frame.end() if frame and _is_said(frame.group()) else start
    return text[start:end].rstrip(" ")


def _is_said(frame: str) -> bool:
    """Whether the frame is written as one: in lower case after its first letter, or in capitals."""
    return frame.isupper() or not _NAME.search(frame)


def _without_punctuation(text: str, start: int, end: int) -> int:
    """Where the text ends without its trailing punctuation; a text of nothing else keeps it."""
    last = end
    while last > start and text[last - 1] in _TRAILING:
        last -= 1
    if (
        last < end
        and text[last] == " "
        and _BEFORE_A_SIGN.search(text, max(start, last - _LONGEST_BEFORE_A_SIGN), last)
    ):
        return end
    return last if last > start else end


def _lower_opening_word(text: str) -> str:
    first = _FIRST_WORD.match(text) if text[:1].isupper() else None
    if first and first.group().lower() in _OPENING_WORDS:
        return text[0].lower() + text[1:]
    return text
