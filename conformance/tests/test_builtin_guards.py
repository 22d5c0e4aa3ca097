from __future__ import annotations

from medha.guards import GUARD_PLUGINS
from medha_conformance import GuardSuite

# one class for each of the built-in guards
for _plugin in GUARD_PLUGINS:
    _name = f"Test{_plugin.name.title()}"
    globals()[_name] = type(_name, (GuardSuite,), {"guard_name": _plugin.name, "__module__": __name__})
