"""The guard of case: capitals that make a name of a word ("US" / "us", "WHO" / "who", "Apple" / "apple")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from medha.guards.rule import ReadingGuard

if TYPE_CHECKING:
    from medha.guards.reading import Reading

_LONGEST_ACRONYM: Final = 5


class CaseGuard(ReadingGuard):
    """Case counts where a question shows that it uses capitals; one in lower case throughout shows nothing."""

    name: ClassVar[str] = "case"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """A word that is a name or an acronym in one question only. Different words are for other guards to find."""
        if asked.tokens != stored.tokens:
            return None
        if asked.shouted != stored.shouted:
            return _shouted_name(*((asked, stored) if asked.shouted else (stored, asked)))
        if asked.surfaces == stored.surfaces:
            return None
        for here, there in zip(asked.surfaces, stored.surfaces, strict=True):
            if here != there and (_sets_apart(here, there, asked, stored) or _sets_apart(there, here, stored, asked)):
                return f"case tells them apart: '{here}' / '{there}'"
        return None


def _sets_apart(one: str, other: str, question: Reading, plainer: Reading) -> bool:
    """Whether the capitals of ``one`` make another word of it than ``other`` is."""
    if _is_code(one) or _is_code(other):
        return one.lower() == other.lower() and not (question.uniform or plainer.uniform)
    if question.shouted:
        return False
    if one[:1].isupper() and other.islower() and one.lower() != other:
        return True
    if one.isupper() and not other.isupper():
        return _acronym(one, other, plainer)
    capitalised = not one.islower() and other.islower()
    return capitalised and plainer.names > 0


def _shouted_name(shouted: Reading, plain: Reading) -> str | None:
    """A shouted "FROM US" may be the country or not."""
    for word, surface in zip(shouted.tokens, plain.surfaces, strict=True):
        if word in plain.language.acronyms and surface.islower():
            return f"case tells them apart: '{word.upper()}' / '{surface}'"
    return None


def _acronym(one: str, other: str, plainer: Reading) -> bool:
    word, language = one.lower(), plainer.language
    if not language.code:
        return True
    if plainer.uniform:
        return word in language.acronyms or word in language.function
    return other.islower() or len(one) <= _LONGEST_ACRONYM


def _is_code(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
