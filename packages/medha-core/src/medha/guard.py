"""The contract of a guard: is a candidate's query right for this question?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from medha.models import Candidate, Question, Verdict


class Guard(ABC):
    """One rule that tells different questions apart. Every guard must accept a candidate before it is served.

    A guard is pure and fast (tens of microseconds): same arguments, same verdict, no input or output. One that
    raises counts as a rejection.
    """

    name: ClassVar[str]
    """Stands in decision records and statistics."""

    @abstractmethod
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        """``ACCEPTED``, or a verdict whose reason says what differs."""
