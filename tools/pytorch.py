"""Which packages have tests that need PyTorch, and whether pip would install the build of it that has no use for a GPU.

    python tools/pytorch.py list            the packages, one a line
    python tools/pytorch.py judge REPORT    exit 1 and say why not, from what `pip install --dry-run --report` wrote

uv would install the build for graphics cards, some 3 GB, into the environment of everybody who runs the tests. So the
workspace leaves PyTorch out (`override-dependencies` in its pyproject.toml), and a package that needs it says so:

    [tool.medha]
    pytorch = true

Its tests are then left alone where PyTorch is not installed, and the stage `pytorch` of .ci/run runs them where it is.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOR_GRAPHICS_CARDS: Final = re.compile(r"nvidia-|cuda-|triton$|pytorch-triton")


def needing_pytorch(root: Path = ROOT) -> list[str]:
    """The names of the packages that say so, which are also the names of their folders."""
    found: list[str] = []
    for file in sorted(root.glob("packages/*/pyproject.toml")):
        pyproject = tomllib.loads(file.read_text(encoding="utf-8"))
        if pyproject.get("tool", {}).get("medha", {}).get("pytorch", False):
            found.append(pyproject["project"]["name"])
    return found


def not_here(root: Path = ROOT) -> list[str]:
    """Those of them that this environment cannot run."""
    return [] if importlib.util.find_spec("torch") else needing_pytorch(root)


def why_not(report: str) -> str | None:
    """Why what pip would install is not to be installed, if there is a reason."""
    names = [str(found["metadata"]["name"]).lower() for found in json.loads(report)["install"]]
    of_cards = [name for name in names if FOR_GRAPHICS_CARDS.match(name)]
    if "torch" not in names:
        return f"pip would install no torch, but {', '.join(names) or 'nothing'}"
    if of_cards:
        return f"the torch that pip finds here is built for graphics cards and brings {', '.join(sorted(of_cards))}"
    return None


def main(arguments: list[str]) -> int:
    """List, or judge."""
    match arguments:
        case ["list"]:
            print(*needing_pytorch(), sep="\n")
            return 0
        case ["judge", report]:
            reason = why_not(Path(report).read_text(encoding="utf-8"))
            print(reason or "PyTorch without the libraries for graphics cards")
            return 1 if reason else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
