"""What a backend can do, declared as data: each "no" carries its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Capability(StrEnum):
    """An optional ability of a backend."""

    METADATA_FILTER = "metadata_filter"
    """``Where.metadata`` is applied by the engine. Without it core filters what comes back, with over-fetch."""

    EXACT_SEARCH = "exact_search"
    """``search`` finds the true nearest entries; without it, an approximate index may miss some."""

    DURABLE = "durable"
    """What ``upsert`` returned for survives the end of the process."""

    SHARED = "shared"
    """Several processes may use one collection at the same time, and see each other's writes."""

    ONE_ROUND_TRIP = "one_round_trip"
    """``get_and_search`` asks the engine once. Without it core gets the entry first and searches when it is absent."""


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a capability is there, and why not."""

    supported: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.supported


FULL: Final = Support(supported=True)


def impossible(why: str) -> Support:
    """The engine cannot do it."""
    return Support(supported=False, reason=f"impossible: {why}")


def not_yet(why: str) -> Support:
    """The engine could, this plugin does not do it yet."""
    return Support(supported=False, reason=f"not yet: {why}")
