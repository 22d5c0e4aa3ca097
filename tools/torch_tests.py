"""Run the tests of the packages that need PyTorch, in an environment of their own.

python tools/torch_tests.py                         make it in .venv-torch, or use it, and run them all
python tools/torch_tests.py --venv DIR -- ARGS      another folder, and what pytest is to be told

pip makes it and not uv, since the lock of the workspace leaves PyTorch out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["medha-gliner", "medha-rerank", "medha-sentence-transformers"]
FOLDERS = ["packages/medha-core", "packages/medha-wordllama", "conformance", *(f"packages/{name}" for name in PACKAGES)]
TOOLS = ["pytest>=9", "pytest-asyncio>=1.4", "pytest-randomly>=4", "pytest-timeout>=2.4", "pytest-xdist>=3.8"]
TORCH = "torch==2.13.0"


def main() -> int:
    """Make the environment where there is none, and run the tests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv-torch")
    parser.add_argument("--torch", default=TORCH, help=f"what pip installs first (default: {TORCH})")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest; by default the packages' tests")
    asked = parser.parse_args()
    python = asked.venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(asked.venv, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # first and alone: its version decides which of the others fit
    subprocess.run([*pip, asked.torch], check=True)
    editable = [part for folder in FOLDERS for part in ("--editable", str(ROOT / folder))]
    subprocess.run([*pip, asked.torch, *editable, *TOOLS, *models()], check=True)
    tests = asked.pytest or [f"packages/{name}/tests" for name in PACKAGES]
    # one process: each would train and load the models anew
    return subprocess.run([str(python), "-m", "pytest", "--numprocesses=0", *tests], cwd=ROOT, check=False).returncode


def models() -> list[str]:
    """What carries or makes the models of the tests."""
    files = [ROOT / "packages" / name / "pyproject.toml" for name in PACKAGES]
    groups = [tomllib.loads(file.read_text(encoding="utf-8")).get("dependency-groups", {}) for file in files]
    return [model for group in groups for name in ("dev", "torch") for model in group.get(name, [])]


if __name__ == "__main__":
    sys.exit(main())
