"""What do the guards cost? Prints the median microseconds per candidate, for each guard and for all together.

"cached": both questions were read before, as a candidate's is when it was proposed lately. "first": the candidate's
question and query are read for the first time. "all, as asked" stops at the first objection, as a lookup does; the
other row asks every guard whatever the others said. The asked question is read already. Processor time, so that other
work on the machine does not count.

    guards.py
"""

from __future__ import annotations

import statistics
from time import process_time_ns
from typing import TYPE_CHECKING

from medha.guards import builtin_guards, timely
from medha.guards.reading import read
from medha.models import CacheEntry, Candidate, Question

if TYPE_CHECKING:
    from medha.guard import Guard

ROUNDS, REPEATS = 25, 40
TAIL = "customers in Germany that ordered more than 5 guitars"
QUESTION = Question("", f"how many active {TAIL}")
QUERY = "SELECT count(*) FROM customer WHERE country = 'Germany' AND active AND guitars > 5"
ACCEPTED = [f"{head} active {TAIL}" for head in ("what is the number of", "the number of", "show the number of")]
REJECTED = [
    f"how many inactive {TAIL}",
    f"how many active {TAIL.replace('5', '6')}",
    f"how many active {TAIL.replace('more', 'less')}",
    f"how many active {TAIL.replace('Germany', 'Norway')}",
    f"what is the name of active {TAIL}",
]


def candidate(text: str) -> Candidate:
    entry = CacheEntry(
        id=text, question=text, normalized_question=text, generated_query=QUERY, query_hash="", created_at=0.0
    )
    return Candidate(entry=entry, question=Question(text, text), similarity=0.95, now=0.0)


def forget() -> None:
    for kept in (read, timely.bound, timely.relative):
        kept.cache_clear()


def microseconds(guards: list[Guard], found: list[Candidate], *, first: bool, stop: bool) -> float:
    """The median of many rounds."""
    rounds: list[float] = []
    for _ in range(ROUNDS):
        spent = 0
        for _ in range(REPEATS):
            if first:
                forget()
            read(QUESTION.normalized)
            started = process_time_ns()
            for one in found:
                for guard in guards:
                    if not guard.verify(QUESTION, one).accepted and stop:
                        break
            spent += process_time_ns() - started
        rounds.append(spent / REPEATS / len(found) / 1000)
    return statistics.median(rounds)


def main() -> None:
    guards = builtin_guards()
    accepted, rejected = [candidate(text) for text in ACCEPTED], [candidate(text) for text in REJECTED]
    microseconds(guards, accepted + rejected, first=False, stop=False)
    print(f"{'us per candidate':22} {'accepted':>9} {'rejected':>9}")
    rows = [(guard.name, [guard], False, False) for guard in guards]
    for first, when in ((False, "cached"), (True, "first")):
        rows += [(f"all, each, {when}", guards, first, False), (f"all, as asked, {when}", guards, first, True)]
    for name, asked, first, stop in rows:
        costs = [microseconds(asked, found, first=first, stop=stop) for found in (accepted, rejected)]
        print(f"{name:22} {costs[0]:9.2f} {costs[1]:9.2f}")


if __name__ == "__main__":
    main()
