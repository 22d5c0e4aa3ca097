"""The contract of an extractor: questions in, labelled spans out, for the parameters of templates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text that an extractor has labelled: the characters from ``start`` up to ``end``.

    ``confidence`` lies in [0, 1]; a model that has none says 1.
    """

    start: int
    end: int
    label: str
    confidence: float = 1.0


class Extractor(ABC):
    """Says where the persons, places, dates ... of a question begin and end; a template's parameter asks it by name.

    It only points into the text: what value a span is, whether all other words are accounted for, and how
    the value gets into the query stays with core. Deterministic: the same text and labels give the same spans.
    Work over about a millisecond leaves the event loop. One that raises makes every template that asks it a miss;
    errors are those of ``medha.errors.ExtractorError``, with the cause chained.
    """

    @property
    @abstractmethod
    def labels(self) -> Sequence[str] | None:
        """Every label that it can give, known once ``connect`` has returned; ``None`` if it takes any."""

    @abstractmethod
    async def aextract_batch(self, texts: Sequence[str], labels: Sequence[str]) -> Sequence[Sequence[Span]]:
        """For each text, in order, its spans that have one of these labels; offsets count Unicode code points."""

    async def connect(self) -> None:  # noqa: B027 - a rule needs neither
        """Load the model; calling it again is harmless, also after ``close``."""

    async def close(self) -> None:  # noqa: B027
        """Let go of what ``connect`` took; calling it again is harmless."""
