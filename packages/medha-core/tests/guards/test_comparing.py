"""Two questions side by side: the guard that tells them apart, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from medha import Guard, Verdict
from medha.guards import builtin_guards
from medha.guards.comparing import objection

if TYPE_CHECKING:
    from medha import Candidate, Question

PAGES = Path(__file__).parents[4] / "docs" / "guards"


def test_the_first_guard_that_objects_is_named_with_its_reason() -> None:
    assert objection("the highest salary", "the lowest salary") == (
        "direction: opposite directions: 'highest' / 'lowest'"
    )


def test_two_wordings_of_one_question_meet_no_objection() -> None:
    assert objection("Could you show me the albums?", "albums") is None


def test_only_the_given_guards_are_asked() -> None:
    class Nothing(Guard):
        name: ClassVar[str] = "nothing"

        def verify(self, question: Question, candidate: Candidate) -> Verdict:
            return Verdict(accepted=False, reason=f"{question.text} is not {candidate.entry.question}")

    assert objection("a", "b", guards=[Nothing()]) == "nothing: a is not b"


@pytest.mark.parametrize("name", [guard.name for guard in builtin_guards()])
def test_every_guard_has_a_page_that_the_index_links(name: str) -> None:
    page = PAGES / f"{name}.md"
    if not PAGES.is_dir():
        pytest.skip("the documents are not beside this package")
    assert page.read_text("utf-8").startswith(f"# {name}\n")
    assert f"]({name}.md)" in (PAGES / "README.md").read_text("utf-8")
