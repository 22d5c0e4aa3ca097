"""``python -m medha_conformance``: the command, where its script is not on the path."""

from __future__ import annotations

import sys

from medha_conformance.runner.cli import main

sys.exit(main())
