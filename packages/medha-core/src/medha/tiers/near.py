"""The entries closest to a question that none of them answered, for the decision record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha.lookup import considered
from medha.where import Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.lookup import Lookup
    from medha.models import ConsideredCandidate, GuardVerdict
    from medha.tiers.judging import Judge

NEAREST: Final = 5


async def near_misses(judge: Judge, lookup: Lookup) -> list[ConsideredCandidate]:
    """The closest entries that no tier considered, closest first, as the guards would have judged them."""
    if lookup.recorder is None or lookup.vector is None:
        return []
    known = {candidate.entry_id for candidate in lookup.recorder.candidates}
    matches = await lookup.storage.search(
        lookup.vector,
        limit=NEAREST + len(known),
        min_similarity=-1.0,
        where=Where(metadata=lookup.filters),
        now=lookup.now,
    )
    unknown = [match for match in matches if match.entry.id not in known][:NEAREST]
    judged = [(match, judge.verdicts(lookup, match)) for match in unknown]
    return [considered("none", match, verdicts, _outcome(verdicts)) for match, verdicts in judged]


def _outcome(verdicts: Sequence[GuardVerdict]) -> str:
    rejection = next((given for given in verdicts if not given.verdict.accepted), None)
    if rejection is None:
        return "below the thresholds; every guard would accept it"
    return f"below the thresholds; {rejection.guard} would reject it: {rejection.verdict.reason}"
