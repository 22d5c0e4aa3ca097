"""Run the tests of the packages that need PyTorch, in an environment of their own.

    python tools/torch_tests.py                         make it in .venv-torch, or use it, and run them all
    python tools/torch_tests.py --venv DIR -- ARGS      another folder, and what pytest is to be told
    python tools/torch_tests.py --if-small              run nothing where pip has the build for graphics cards

PyTorch for graphics cards takes some 3 GB. So the workspace does without (`dependency-metadata` in the root's
pyproject.toml): there those tests are skipped, and here pip makes an environment that does not follow the lock.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ["medha-gliner", "medha-rerank", "medha-sentence-transformers"]
FOLDERS: Final = [
    "packages/medha-core",
    "packages/medha-wordllama",
    "conformance",
    *(f"packages/{name}" for name in PACKAGES),
]
TOOLS: Final = ["pytest>=9", "pytest-asyncio>=1.4", "pytest-randomly>=4", "pytest-timeout>=2.4", "pytest-xdist>=3.8"]
TORCH: Final = "torch==2.13.0"
FOR_GRAPHICS_CARDS: Final = re.compile(r"nvidia-|cuda-|triton$|pytorch-triton")


def main() -> int:
    """Make the environment where there is none, and run the tests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv-torch")
    parser.add_argument("--torch", default=TORCH, help=f"what pip installs first (default: {TORCH})")
    parser.add_argument("--if-small", action="store_true", help="run nothing with a PyTorch for graphics cards")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest; by default the packages' tests")
    asked = parser.parse_args()
    python = asked.venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(asked.venv, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if asked.if_small and (reason := why_not(what_it_would_install([*pip, asked.torch]))):
        print(f"Not run, {', '.join(PACKAGES)}: {reason}")
        return 0
    # first and alone: its version decides which of the others fit
    subprocess.run([*pip, asked.torch], check=True)
    editable = [part for folder in FOLDERS for part in ("--editable", str(ROOT / folder))]
    subprocess.run([*pip, asked.torch, *editable, *TOOLS, *models()], check=True)
    tests = asked.pytest or [f"packages/{name}/tests" for name in PACKAGES]
    # one process: each would train and load the models anew
    return subprocess.run([str(python), "-m", "pytest", "--numprocesses=0", *tests], cwd=ROOT, check=False).returncode


def models() -> list[str]:
    """What carries or makes the models of the tests, but for the workspace's own."""
    files = [ROOT / "packages" / name / "pyproject.toml" for name in PACKAGES]
    groups = [tomllib.loads(file.read_text(encoding="utf-8")).get("dependency-groups", {}) for file in files]
    wanted = {model for group in groups for name in ("dev", "torch") for model in group.get(name, [])}
    return sorted(model for model in wanted if not model.startswith("medha-"))


def what_it_would_install(install: list[str]) -> str:
    """The report of pip on what a command would install, which installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        subprocess.run([*install, "--dry-run", "--report", str(report)], check=True)
        return report.read_text(encoding="utf-8")


def why_not(report: str) -> str | None:
    """Why what pip would install is not to be installed, if there is a reason."""
    names = [str(found["metadata"]["name"]).lower() for found in json.loads(report)["install"]]
    of_cards = sorted(name for name in names if FOR_GRAPHICS_CARDS.match(name))
    if of_cards:
        return f"the PyTorch that pip finds here is built for graphics cards and brings {', '.join(of_cards)}"
    return None


if __name__ == "__main__":
    sys.exit(main())
