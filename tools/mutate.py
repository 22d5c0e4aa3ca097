"""Break a package in one place at a time, and see whether its tests notice.

    python tools/mutate.py packages/medha-pgvector [FILE ...]     every mutant of these files of its sources
    python tools/mutate.py --list packages/medha-pgvector         only say which mutants there are

Every comparison is flipped (``<`` and ``<=``, ``==`` and ``!=``, ``in`` and ``not in``, in Python and in strings that
hold SQL), and every clause of a statement dropped (AND ..., WHERE ..., ORDER BY ..., LIMIT ..., OFFSET ..., a line of
SET). The tests run on a copy of the sources, first without what takes long. A line is printed for each mutant, with the
test that caught it; the exit code is 1 when one survived. Without a mutation the tests must pass, or nothing is run.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
FLIPPED: Final[dict[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
SQL: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|CREATE)\b|%\(\w+\)s")
SQL_OPERATORS: Final = {" <= ": " < ", " >= ": " > ", " < ": " <= ", " > ": " >= ", " = ": " <> ", " @> ": " <@ "}
CLAUSES: Final = (
    re.compile(r" AND (?:\([^()]*(?:\([^()]*\)[^()]*)*\)|[^\s()]+(?:\([^()]*\))?)(?: IS NOT NULL| [<>=@]+ [^\s\"]+)?"),
    re.compile(r" WHERE (?=\{conditions\})\{conditions\}"),
    re.compile(r"\s+ORDER BY \{?\w+\}?(?: DESC)?"),
    re.compile(r" LIMIT \{\w+\}"),
    re.compile(r" OFFSET 0"),
    re.compile(r"\n\s+\w+ = excluded\.\w+,"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One file with one change in it."""

    file: Path
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line} {' '.join(self.before.split())!r} -> {' '.join(self.after.split())!r}"


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every mutant of one source file."""
    text = file.read_text(encoding="utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and node.left.end_lineno is not None:
            begin = starts[node.left.end_lineno - 1] + (node.left.end_col_offset or 0)
            end = starts[node.comparators[0].lineno - 1] + node.comparators[0].col_offset
            before, after = FLIPPED[type(node.ops[0])]
            yield _changed(file, text, begin, end, text[begin:end].replace(before, after, 1))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            yield from _of_sql(file, text, begin, end)


def _of_sql(file: Path, text: str, begin: int, end: int) -> Iterator[Mutant]:
    for old, new in SQL_OPERATORS.items():
        for found in re.finditer(re.escape(old), text[begin:end]):
            # what SET assigns is no comparison
            if old != " = " or not text[begin + found.end() : end].startswith("excluded."):
                yield _changed(file, text, begin + found.start(), begin + found.end(), new)
    for clause in CLAUSES:
        for found in clause.finditer(text[begin:end]):
            yield _changed(file, text, begin + found.start(), begin + found.end(), "")


def _changed(file: Path, text: str, begin: int, end: int, new: str) -> Mutant:
    return Mutant(file, text.count("\n", 0, begin) + 1, text[begin:end], new, text[:begin] + new + text[end:])


def caught_by(mutant: Mutant | None, sources: Path, tests: Path) -> str | None:
    """The test that notices, or none."""
    with tempfile.TemporaryDirectory(prefix="medha-mutant-") as folder:
        copy = Path(folder) / "src"
        shutil.copytree(sources, copy)
        if mutant is not None:
            (copy / mutant.file.relative_to(sources)).write_text(mutant.text, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-n0", "-p", "no:cacheprovider", str(tests)]
        for suites in ("brief", "full"):
            done = subprocess.run(
                [*command, f"--suites={suites}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                failed = re.search(
                    r"^(?:FAILED|ERROR) (?:[^\s:]*/)?([^/\s:]+::.*?)(?: - .*)?$", done.stdout, re.MULTILINE
                )
                return failed[1] if failed else f"pytest, which ended with {done.returncode}"
    return None


def main() -> int:
    """Run every mutant, or list them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="only say which mutants there are")
    parser.add_argument("package", type=Path)
    parser.add_argument("files", nargs="*", default=["backend.py", "statements.py", "rows.py"])
    arguments = parser.parse_args()
    sources, tests = (ROOT / arguments.package / folder for folder in ("src", "tests"))
    files = [file for name in arguments.files for file in sorted(sources.rglob(name))]
    mutants = [mutant for file in files for mutant in mutants_of(file)]
    if arguments.list:
        print(*mutants, f"{len(mutants)} mutants", sep="\n")
        return 0
    if (failing := caught_by(None, sources, tests)) is not None:
        print(f"unbroken, the package fails already: {failing}", file=sys.stderr)
        return 2
    survivors = 0
    for number, mutant in enumerate(mutants, start=1):
        test = caught_by(mutant, sources, tests)
        survivors += test is None
        told = "SURVIVED" if test is None else f"caught by {test}:"
        print(f"{number}/{len(mutants)} {told} {mutant}", flush=True)
    print(f"{len(mutants)} mutants, {len(mutants) - survivors} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
