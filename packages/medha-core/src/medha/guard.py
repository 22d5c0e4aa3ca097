"""The contracts of those who decide whether a candidate's query is right for a question: guards and reviewers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from medha.models import Candidate, Question, Verdict


class Guard(ABC):
    """One rule that tells different questions apart. Every guard must accept a candidate before it is served.

    A guard is pure and fast (tens of microseconds): same arguments, same verdict, no input or output. One that
    raises counts as a rejection. Time is an argument: ``candidate.now``.
    """

    name: ClassVar[str]
    """Stands in decision records and statistics."""

    @abstractmethod
    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        """``ACCEPTED``, or a verdict whose reason says what differs; ``reviewable`` lets a reviewer think again."""


class Reviewer(ABC):
    """A slow judge, such as a model, of candidates that similarity and guards neither served nor ruled out.

    The review tier comes last and asks every reviewer in turn: all must accept. A reviewer that raises, answers too
    late or gives no ``Verdict`` has rejected. It sees no candidate that a guard rejected for good. One instance serves
    many tasks at once, and work over a millisecond leaves the event loop (``asyncio.to_thread``).
    """

    name: ClassVar[str]
    """Stands in decision records and statistics; no guard may have it too."""

    @abstractmethod
    async def review(self, question: Question, candidate: Candidate) -> Verdict:
        """``ACCEPTED`` only when the candidate's query answers the question; otherwise a verdict with its reason."""

    async def connect(self) -> None:  # noqa: B027 - not every reviewer has something to open
        """Load or open what the reviewer needs; calling it again is harmless, also after ``close``."""

    async def close(self) -> None:  # noqa: B027
        """Let go of what ``connect`` opened, and only that; calling it again is harmless."""
