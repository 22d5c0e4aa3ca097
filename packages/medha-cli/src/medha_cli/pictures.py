"""Decisions as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from medha import CacheHit, Decision, Settings
    from medha.models import BindingTrace, ConsideredCandidate, Terms


def decision_picture(decision: Decision, settings: Settings) -> Group:
    """The outcome, the tiers with times and bindings, each candidate with the guards' verdicts, the near misses."""
    parts = [_outcome(decision.hit, decision.milliseconds), _question(decision), _tiers(decision)]
    parts += [_candidate(number, candidate, settings) for number, candidate in enumerate(decision.candidates, 1)]
    if not decision.candidates:
        parts.append(Text("No candidate was put before the guards.", style="dim"))
    shown = {candidate.entry_id for candidate in decision.candidates}
    unseen = [near for near in decision.near_misses if near.entry_id not in shown]
    if unseen:
        parts.append(Text("\nNear misses, below the thresholds", style="bold"))
        parts += [_candidate(number, near, settings) for number, near in enumerate(unseen, 1)]
    if decision.terms is not None:
        parts += [Text(""), terms_table(decision.terms)]
    return Group(*parts)


def _outcome(hit: CacheHit, milliseconds: float) -> Text:
    outcome = Text.assemble(
        (f"{'HIT' if hit else 'MISS'}", "bold green" if hit else "bold yellow"),
        f"  {hit.strategy}" if hit else "",
        f"  {milliseconds:.2f} ms",
    )
    if hit:
        outcome.append(f"\n{hit.generated_query}", style="cyan")
    return outcome


def _question(decision: Decision) -> Text:
    scope = " ".join(f"{key}={value}" for key, value in decision.filters.items())
    shown = f"question    {decision.question}\nnormalised  {decision.normalized_question}"
    return Text(f"{shown}\nscope       {scope}\n" if scope else f"{shown}\n", style="dim")


def _tiers(decision: Decision) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("tier")
    table.add_column("outcome")
    table.add_column("ms", justify="right")
    table.add_column("reason", overflow="fold")
    for trace in decision.tiers:
        outcome = Text("answered", "green") if trace.answered else Text("passed on", "yellow")
        table.add_row(trace.tier, outcome, f"{trace.milliseconds:.2f}", trace.reason)
        for binding in trace.bindings:
            table.add_row("", "", "", _bound(binding))
    return table


def _bound(binding: BindingTrace) -> Text:
    column = f" as {binding.column}" if binding.column else ""
    return Text.assemble((binding.slot, "cyan"), f" = {binding.value!r}{column}: {binding.source}")


def terms_table(terms: Terms) -> Table:
    """What each tier may serve under ``max_false_hit_rate``, and how it came to that."""
    title = f"at most {terms.max_false_hit_rate:.2%} of a tier's answers wrong, {terms.confidence:.0%} confidence"
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, title=title, title_justify="left")
    for name in ("tier", "state", "from", "right", "wrong", "wrong at most"):
        table.add_column(name, justify="left" if name in {"tier", "state"} else "right")
    for tier, each in terms.tiers.items():
        threshold = "" if each.threshold is None else f"{each.threshold:.2f}"
        state = Text(each.state, "green" if each.allowed else "yellow")
        table.add_row(tier, state, threshold, f"{each.right:,}", f"{each.wrong:,}", f"{each.at_most:.2%}")
    return table


def _candidate(number: int, candidate: ConsideredCandidate, settings: Settings) -> Group:
    head = Table(box=None, padding=(0, 1, 0, 0), show_header=False, show_edge=False)
    enough = candidate.similarity >= settings.score_threshold_semantic
    head.add_row(
        f"\n{number}.",
        Group("", similarity_bar(candidate.similarity, "green" if enough else "yellow")),
        f"\n{candidate.similarity:.3f}",
        f"\n{'' if candidate.tier == 'none' else candidate.tier}",
        f"\n{candidate.question}",
    )
    verdicts = Table(box=None, padding=(0, 1, 0, 0), show_header=False, show_edge=False)
    for given in candidate.verdicts:
        accepted = given.verdict.accepted
        mark = Text("accepts", "green") if accepted else Text("rejects", "red")
        verdicts.add_row("   ", given.guard, mark, Text(given.verdict.reason, overflow="fold"))
    for binding in candidate.bindings:
        verdicts.add_row("   ", "", "", _bound(binding))
    return Group(head, verdicts, Text(f"    {candidate.outcome}", style="green" if _accepted(candidate) else "red"))


def _accepted(candidate: ConsideredCandidate) -> bool:
    return all(given.verdict.accepted for given in candidate.verdicts) and candidate.outcome == "accepted"


def similarity_bar(similarity: float, style: str) -> ProgressBar:
    """A cosine as a bar; what is below 0 is empty."""
    return ProgressBar(total=1.0, completed=max(0.0, similarity), width=16, complete_style=style, finished_style=style)
