"""``python -m wire`` in the folder of the tests: serve, say where, and end with the input."""

from __future__ import annotations

import sys

from .server import WireServer

with WireServer() as server:
    print(server.url, flush=True)
    sys.stdin.read()
