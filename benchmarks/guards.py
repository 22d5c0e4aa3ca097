"""What do the guards cost? Prints the median microseconds per candidate for each guard and for all together.

The question's reading is warm, as it is after the first candidate. "warm" candidates were read before, "cold" ones are
read for the first time. Processor time, so that other work on the machine does not count.

    guards.py
"""

from __future__ import annotations

import statistics
from time import process_time_ns
from typing import TYPE_CHECKING

from medha.guards import builtin_guards
from medha.guards.reading import read
from medha.models import CacheEntry, Candidate, Question

if TYPE_CHECKING:
    from medha.guard import Guard

ROUNDS, REPEATS = 25, 40
TAIL = "customers in Germany that ordered more than 5 guitars"
QUESTION = Question("", f"how many active {TAIL}")
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
        id=text, question=text, normalized_question=text, generated_query="", query_hash="", created_at=0.0
    )
    return Candidate(entry=entry, question=Question(text, text), similarity=0.95)


def microseconds(guards: list[Guard], found: list[Candidate], *, cold: bool) -> float:
    """The median of many rounds; every guard is asked, though the first rejection would do."""
    rounds: list[float] = []
    for _ in range(ROUNDS):
        spent = 0
        for _ in range(REPEATS):
            if cold:
                read.cache_clear()
            read(QUESTION.normalized)
            started = process_time_ns()
            for one in found:
                for guard in guards:
                    guard.verify(QUESTION, one)
            spent += process_time_ns() - started
        rounds.append(spent / REPEATS / len(found) / 1000)
    return statistics.median(rounds)


def main() -> None:
    guards = builtin_guards()
    accepted, rejected = [candidate(text) for text in ACCEPTED], [candidate(text) for text in REJECTED]
    microseconds(guards, accepted + rejected, cold=False)
    print(f"{'us per candidate':20} {'accepted':>9} {'rejected':>9}")
    for name, asked in [*((guard.name, [guard]) for guard in guards), ("all", guards)]:
        costs = [microseconds(asked, found, cold=False) for found in (accepted, rejected)]
        print(f"{name + ', warm':20} {costs[0]:9.2f} {costs[1]:9.2f}")
    costs = [microseconds(guards, found, cold=True) for found in (accepted, rejected)]
    print(f"{'all, cold':20} {costs[0]:9.2f} {costs[1]:9.2f}")


if __name__ == "__main__":
    main()
