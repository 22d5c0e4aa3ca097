"""Write docs/configuration.md from the settings classes themselves.

python tools/settings_table.py            rewrite the page
python tools/settings_table.py --check    exit 1 when it is stale
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

from medha import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
HEAD = """# Configuration

`Settings` tunes a cache. Each setting is a keyword and an environment variable; an unknown name, in either form, is an
error. It holds thresholds and limits only: what a plugin needs (a path, a host, a key) is in the plugin's own settings,
on its own page.

```python
from medha import Settings

settings = Settings(score_threshold_semantic=0.92, default_ttl_seconds=86_400)
```

`Medha.from_settings()` builds the whole cache from the environment, plugins included.

<!-- the table is written by tools/settings_table.py -->

| setting | variable | default | means |
| --- | --- | --- | --- |
"""


def descriptions() -> dict[str, str]:
    """The text under each field of ``Settings``."""
    (body,) = (node for node in ast.parse(inspect.getsource(Settings)).body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(description))):
                found[name] = description.replace("``", "`")
            case ast.AnnAssign(target=ast.Name(id=name)), _:
                raise SystemExit(f"the setting {name} has no description under it")
            case _:
                pass
    return found


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{name}` | `MEDHA_{name.upper()}` | `{Settings.model_fields[name].default!r}` | {text.replace('``', '`')} |"
        for name, text in descriptions().items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` only compare."""
    if arguments == ["--check"]:
        if PAGE.read_text(encoding="utf-8") == page():
            return 0
        print(f"{PAGE} is stale; run: python tools/settings_table.py", file=sys.stderr)
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
