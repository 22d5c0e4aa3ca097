"""The extractors that templates ask: made when the first one asks, and what they find in a question."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from medha.deadline import within
from medha.descriptors import ExtractorPlugin
from medha.errors import (
    ConfigurationError,
    ExtractorError,
    ExtractorOutputError,
    ExtractorTimeoutError,
    ExtractorUnavailableError,
    TemplateError,
)
from medha.extractor import Extractor, Span
from medha.plugins import installed_plugins, make

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.settings import Settings
    from medha.templates.model import QueryTemplate

Labels: TypeAlias = Mapping[str, tuple[str, ...]]
"""The labels to look for, by the name of the extractor."""

_KEPT: Final = 2048
"""Questions whose spans are remembered: what a template answers is never kept in L1, so they come again."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the extractors found in one question, and how those failed that did; both by name."""

    spans: Mapping[str, tuple[Span, ...]]
    failures: Mapping[str, ExtractorError]


NOTHING_EXTRACTED: Final = Extracted({}, {})


def labels_asked(templates: Iterable[QueryTemplate]) -> Labels:
    """What these templates ask of each extractor; all of it at once, so that no template changes another's spans."""
    asked: dict[str, set[str]] = {}
    for template in templates:
        for parameter in template.parameters:
            if parameter.extractor is not None and parameter.label is not None:
                asked.setdefault(parameter.extractor, set()).add(parameter.label)
    return {name: tuple(sorted(labels)) for name, labels in sorted(asked.items())}


class Extractors:
    """Those given by the application, under its own names, and installed plugins by theirs."""

    def __init__(self, given: Mapping[str, Extractor], settings: Settings) -> None:
        for name, extractor in given.items():
            if not isinstance(extractor, Extractor):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(
                    f"extractors[{name!r}] must be an Extractor, not {type(extractor).__name__}; an installed one "
                    "need not be given: a template asks for it by name"
                )
        self._given = dict(given)
        self._timeout = settings.extraction_timeout
        self._made: dict[str, Extractor] = {}
        self._ready: dict[str, Extractor] = {}
        self._preparing = asyncio.Lock()
        self._kept: dict[tuple[str, tuple[str, ...], str], tuple[Span, ...]] = {}

    async def prepare(self, templates: Sequence[QueryTemplate]) -> None:
        """Make and connect what these templates ask for, and see that it gives the labels that they name.

        Raises:
            PluginError, ConfigurationError: no such extractor is given or installed, or its settings are wrong.
            TemplateError: an extractor has no such label.
            ExtractorError: it does not load.
        """
        async with self._preparing:
            for name, labels in labels_asked(templates).items():
                if name not in self._ready:
                    self._ready[name] = await self._connected(name)
                _check_labels(name, labels, self._ready[name].labels, templates)

    async def find(self, question: str, asked: Labels) -> Extracted:
        """The spans of these labels. An extractor that fails, or is late, is named with its fault."""
        found = await asyncio.gather(*(self._spans(name, question, labels) for name, labels in asked.items()))
        outcomes = dict(zip(asked, found, strict=True))
        return Extracted(
            {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, ExtractorError)},
            {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, ExtractorError)},
        )

    async def close(self) -> None:
        """Close those that were made by name."""
        self._ready.clear()
        made, self._made = self._made, {}
        for extractor in made.values():
            await extractor.close()

    async def _connected(self, name: str) -> Extractor:
        extractor = self._given.get(name)
        if extractor is None:
            made: Any = await asyncio.to_thread(lambda: make(installed_plugins().find(ExtractorPlugin, name)))
            if not isinstance(made, Extractor):
                raise ConfigurationError(f"the extractor {name!r} made a {type(made).__name__}, no Extractor")
            extractor = self._made[name] = made
        # a model may have to be downloaded first: no deadline
        await within(
            None,
            extractor.connect(),
            late=lambda: ExtractorTimeoutError(f"the extractor {name!r} did not get ready in time"),
            failed=lambda why: ExtractorUnavailableError(f"the extractor {name!r} could not get ready: {why}"),
        )
        return extractor

    async def _spans(self, name: str, question: str, labels: tuple[str, ...]) -> tuple[Span, ...] | ExtractorError:
        key = name, labels, question
        known = self._kept.get(key)
        if known is not None:
            return known
        try:
            spans = _checked(await self._ask(name, question, labels), question, labels)
        except ExtractorError as exc:
            _log.error(
                "the extractor %r failed with %s; templates that ask it answer nothing", name, type(exc).__name__
            )
            return exc
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = spans
        return spans

    async def _ask(self, name: str, question: str, labels: tuple[str, ...]) -> object:
        try:
            return await within(
                self._timeout,
                self._ready[name].aextract_batch([question], labels),
                late=lambda: ExtractorTimeoutError(f"no spans within {self._timeout} s (extraction_timeout)"),
                failed=ExtractorError,
            )
        except ExtractorError:
            raise
        except Exception as exc:
            # a MedhaError of another kind is no less a failure of the extractor
            raise ExtractorError(f"{type(exc).__name__}: {exc}") from exc


def _check_labels(
    name: str, asked: tuple[str, ...], known: Sequence[str] | None, templates: Sequence[QueryTemplate]
) -> None:
    for label in asked:
        if known is not None and label not in known:
            intents = [
                template.intent
                for template in templates
                if any((each.extractor, each.label) == (name, label) for each in template.parameters)
            ]
            raise TemplateError(
                f"the template {intents[0]!r} asks the extractor {name!r} for the label {label!r}; "
                f"it gives {', '.join(sorted(known)) or 'none'}"
            )


def _checked(found: Any, text: str, labels: tuple[str, ...]) -> tuple[Span, ...]:
    """The spans of the one text; anything that cannot be them is a failure of the extractor."""
    if not isinstance(found, Sequence) or len(cast("Any", found)) != 1 or not isinstance(found[0], Sequence):
        raise ExtractorOutputError("it did not return one list of spans for one text")
    spans = tuple(cast("Sequence[Any]", found[0]))
    for span in spans:
        if not isinstance(span, Span):
            raise ExtractorOutputError(f"it returned a {type(span).__name__}, not a Span")
        if not 0 <= span.start < span.end <= len(text):
            raise ExtractorOutputError(f"it returned a span from {span.start} to {span.end} of {len(text)} characters")
        if span.label not in labels:
            raise ExtractorOutputError(f"it returned the label {span.label!r}; asked for were {', '.join(labels)}")
        if not 0 <= span.confidence <= 1:
            raise ExtractorOutputError(f"it returned the confidence {span.confidence}; it lies in [0, 1]")
    return spans
