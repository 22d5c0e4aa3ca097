"""What a run found: a level, and the report as JSON, Markdown and a badge."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Level(StrEnum):
    """How far a plugin keeps its contract."""

    FULL = "full"
    """Every test passes, and what the plugin refuses is impossible on its engine."""
    BASE = "base"
    """Every test passes, but for known failures; or something is refused that the engine could do."""
    NONE = "none"
    """A test fails, or nothing was tested."""


OUTCOMES: Final[tuple[str, ...]] = ("passed", "failed", "skipped", "known failure")
_COLOURS: Final = {Level.FULL: "brightgreen", Level.BASE: "yellow", Level.NONE: "red"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one standard test: ``passed``, ``failed``, ``skipped`` or ``known failure``, and why."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of a suite on one plugin."""

    kind: str
    name: str
    distribution: str
    version: str
    suite: str
    ran_against: str
    served_by: str
    """``live``: a real server. ``wire``: a server of tests that speaks its protocol. ``none``: none was needed."""
    capabilities: Mapping[str, str]
    """Each one with ``full`` or the reason why not; empty for plugins that have none."""
    tests: Mapping[str, Outcome]
    python: str = field(default_factory=platform.python_version)
    system: str = field(default_factory=lambda: f"{platform.system()} {platform.machine()}")

    @property
    def why_not_full(self) -> list[str]:
        """What stands between this plugin and the level full."""
        failed = [f"{name} fails" for name, test in self.tests.items() if test.outcome == "failed"]
        known = [f"{n}: known failure: {t.reason}" for n, t in self.tests.items() if t.outcome == "known failure"]
        missing = [f"{name}: {reason}" for name, reason in self.capabilities.items() if reason.startswith("not yet")]
        nothing = [] if self._passed else [f"no test passed: {self._first_reason}"]
        return nothing + failed + known + missing

    @property
    def level(self) -> Level:
        """The level that the run gives the plugin."""
        if not self._passed or any(test.outcome == "failed" for test in self.tests.values()):
            return Level.NONE
        return Level.BASE if self.why_not_full else Level.FULL

    @property
    def counts(self) -> dict[str, int]:
        """How many tests had each outcome."""
        counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
        for test in self.tests.values():
            counts[test.outcome] += 1
        return counts

    @property
    def _passed(self) -> bool:
        return self.counts["passed"] > 0

    @property
    def _first_reason(self) -> str:
        reasons = [test.reason for test in self.tests.values() if test.reason]
        return reasons[0] if reasons else "there was none to run"

    def write(self, folder: Path) -> None:
        """``report.json``, ``report.md`` and ``badge.json`` into the folder."""
        everything = {"level": self.level, "why_not_full": self.why_not_full, "counts": self.counts, **asdict(self)}
        badge = {"schemaVersion": 1, "label": "medha-conformance", "message": self.level, "color": _COLOURS[self.level]}
        _write_json(folder / "report.json", everything)
        _write_json(folder / "badge.json", badge)
        (folder / "report.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        """The report for a reader."""
        judged = f"{self.distribution} {self.version}, judged by medha-conformance {self.suite}"
        lines = [
            f"# {self.kind} {self.name}: {self.level}",
            "",
            f"{judged} against {self.ran_against}, on Python {self.python}, {self.system}.",
            "",
            ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items() if count) + ".",
        ]
        if self.why_not_full:
            lines += ["", "## What is missing to full", "", *(f"- {reason}" for reason in self.why_not_full)]
        if self.capabilities:
            lines += ["", "## Capabilities", "", "| capability | support |", "| --- | --- |"]
            lines += [f"| {name} | {support} |" for name, support in self.capabilities.items()]
        lines += ["", "## Tests", "", "| test | outcome | reason |", "| --- | --- | --- |"]
        for name, test in self.tests.items():
            first_line = test.reason.strip().splitlines()[-1] if test.reason.strip() else ""
            lines.append(f"| {name} | {test.outcome} | {first_line.replace('|', '&#124;')} |")
        return "\n".join(lines) + "\n"


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
