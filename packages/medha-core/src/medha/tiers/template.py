"""The template tier: a question that a template accounts for word by word, with its own values in the query."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from medha.models import BindingTrace, CacheHit, SearchStrategy
from medha.templates.extracting import NOTHING_EXTRACTED
from medha.templates.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.lookup import Lookup, Recorder
    from medha.stats import StatsRecorder
    from medha.templates import QueryTemplate
    from medha.templates.extracting import Extracted, Extractors
    from medha.templates.matching import Match


class TemplateTier:
    """Needs neither embedder nor backend. Its answers are never kept in L1, so that new templates count at once."""

    name = "template"

    def __init__(self, extractors: Extractors, stats: StatsRecorder) -> None:
        self._extractors = extractors
        self._stats = stats
        self.templates: tuple[QueryTemplate, ...] = ()
        self._matcher = Matcher(())

    async def load(self, templates: Sequence[QueryTemplate]) -> None:
        """Use these templates from now on, and no others; what they ask for is loaded first."""
        await self._extractors.prepare(templates)
        self.templates = tuple(templates)
        self._matcher = Matcher(self.templates)

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The rendered query of the one template that fits, in one way."""
        if not self.templates:
            if not lookup.served:
                lookup.reasons.append("no templates are loaded")
            return None
        question = lookup.asked.question.normalized
        matcher = self._matcher
        if not matcher.may_match(question):
            lookup.reasons.append("no template has only words of this question")
            return None
        extracted = await self._extracted(matcher, question, lookup)
        # parsing and proving a query takes about a millisecond
        threshold = lookup.settings.score_threshold_template
        found = await asyncio.to_thread(_render, matcher, question, extracted, threshold, lookup.recorder)
        if isinstance(found, str):
            lookup.reasons.append(found)
            return None
        return found if self._matcher is matcher else await self.answer(lookup)

    async def _extracted(self, matcher: Matcher, question: str, lookup: Lookup) -> Extracted:
        """What extractors find, where a template that comes near asks for it; their failures are told and counted."""
        asked = matcher.asked(question)
        if not asked:
            return NOTHING_EXTRACTED
        extracted = await self._extractors.find(question, asked)
        for name, fault in extracted.failures.items():
            lookup.reasons.append(f"the extractor {name!r} failed: {fault}")
            if lookup.served:
                self._stats.error(fault)
        return extracted


def _render(
    matcher: Matcher, question: str, extracted: Extracted, threshold: float, recorder: Recorder | None
) -> CacheHit | str:
    """The answer, or why there is none."""
    matches = [match for match in matcher.match(question, extracted) if match.confidence >= threshold]
    if recorder is not None:
        recorder.bindings += [trace for match in matches for trace in _bindings(match)]
    if not matches:
        return "no template accounts for every word of this question"
    if len(matches) > 1:
        ways = "; ".join(f"{match.template.intent} with {dict(match.values)}" for match in matches[:4])
        return f"the question fits templates in several ways: {ways}"
    match = matches[0]
    rendered = match.template.form.render(match.values)
    if rendered is None:
        return f"the values {dict(match.values)} cannot be bound into the query of {match.template.intent!r}"
    return CacheHit(
        strategy=SearchStrategy.TEMPLATE_MATCH,
        reason=f"the template {match.template.intent!r} accounts for every word",
        generated_query=rendered.query,
        confidence=match.confidence,
        matched_question=match.template.template_text,
        template_used=match.template.intent,
        parameters=rendered.parameters,
    )


def _bindings(match: Match) -> list[BindingTrace]:
    """What the question's words are bound to."""
    columns = match.template.form.columns
    return [
        BindingTrace(name, columns.get(name), value, f"the question says {match.said[name]!r}")
        for name, value in match.values.items()
    ]
