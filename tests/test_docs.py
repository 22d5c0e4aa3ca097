"""Every Python block in the documents runs, and every local link leads somewhere.

The blocks of one document run in order, in one namespace and an empty folder; ``await`` may stand at top level.
A block that cannot run here is marked on the line before it, with the reason::

    <!-- not run: needs a key of the vendor -->

and one that talks to a server with the name of the service, whose address its plugin's settings then hold::

    <!-- needs: redis -->
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import re
import runpy
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from medha_conformance.pytest_plugin import FindService

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/*.md"), *ROOT.glob("conformance/*.md")]
)
MARK = re.compile(r"<!--\s*not run:?(?P<reason>.*?)-->", re.DOTALL)
PLUGINS_OF = {"redis": ("redis", "redis_l1")}
"""The prefixes of the settings that hold a service's address, where that is not its name."""
NEEDS = re.compile(r"<!--\s*needs:\s*(?P<service>[a-z]+)\s*-->")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced Python block, the service that it needs, and why it is not run, if it is not."""

    document: Path
    line: int
    source: str
    not_run: str | None
    needs: str | None

    def compile(self) -> CodeType:
        """The block's code, whose tracebacks point into the document."""
        source = "\n" * self.line + self.source
        return compile(source, self.document, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def python_blocks(document: Path) -> list[Block]:
    """The document's fenced Python blocks, in order."""
    blocks: list[Block] = []
    before = ""
    for token in MarkdownIt().parse(document.read_text(encoding="utf-8")):
        if token.type == "fence" and token.info.split()[:1] in (["python"], ["py"]):
            assert token.map is not None
            mark, needs = MARK.search(before), NEEDS.search(before)
            reason = mark["reason"].strip() if mark else None
            service = needs["service"] if needs else None
            blocks.append(Block(document, token.map[0] + 1, token.content, reason, service))
        before = token.content if token.type == "html_block" else ""
    return blocks


def run(blocks: list[Block]) -> dict[str, Any]:
    """Run the blocks one after the other and return the namespace they leave."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for block in blocks:
            if block.not_run is None:
                result = FunctionType(block.compile(), namespace)()
                if inspect.iscoroutine(result):
                    runner.run(result)
    return namespace


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's machine: nothing in the folder, no data of their own in the way."""
    monkeypatch.chdir(tmp_path)
    for variable in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))


@pytest.fixture(scope="session")
def folder_of_a_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fastembed would otherwise download."""
    folder = tmp_path_factory.mktemp("minilm")
    runpy.run_path(str(ROOT / "packages/medha-fastembed/tests/minilm.py"))["make_folder"](folder)
    return folder


@pytest.fixture(scope="module")
def only_new_garbage() -> Iterator[None]:
    """What other tests imported is not searched anew after every document."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("only_new_garbage")
@pytest.mark.parametrize("document", [document for document in DOCUMENTS if python_blocks(document)], ids=name)
def test_the_python_blocks_run(
    document: Path, folder_of_a_model: Path, monkeypatch: pytest.MonkeyPatch, find_service: FindService
) -> None:
    monkeypatch.setenv("MEDHA_FASTEMBED_MODEL", "sentence-transformers/all-MiniLM-L6-v2")
    monkeypatch.setenv("MEDHA_FASTEMBED_MODEL_PATH", str(folder_of_a_model))
    blocks = python_blocks(document)
    for service in {block.needs for block in blocks if block.needs}:
        for plugin in PLUGINS_OF.get(service, (service,)):
            monkeypatch.setenv(f"MEDHA_{plugin.upper()}_URL", find_service(service))
    run(blocks)
    gc.collect()  # what a block forgot to close is a warning here, not in a later test


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_a_block_that_is_not_run_says_why(document: Path) -> None:
    assert [f"{document}:{block.line}" for block in python_blocks(document) if block.not_run == ""] == []


def local_links(document: Path) -> list[str]:
    """The paths that the document links to, relative to its folder."""
    tokens = [
        child for token in MarkdownIt().parse(document.read_text(encoding="utf-8")) for child in token.children or []
    ]
    targets = [str(token.attrGet("href" if token.type == "link_open" else "src") or "") for token in tokens]
    return [target.partition("#")[0] for target in targets if ":" not in target and target.partition("#")[0]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_what_a_document_links_to_exists(document: Path) -> None:
    assert [target for target in local_links(document) if not (document.parent / target).exists()] == []


def write(text: str) -> list[Block]:
    Path("page.md").write_text(text.replace("~~~", "```"), encoding="utf-8")
    return python_blocks(Path("page.md"))


def test_blocks_of_one_document_share_a_namespace_and_other_languages_are_left_alone() -> None:
    blocks = write("~~~python\nx = 1\n~~~\n\n~~~bash\nexit 1\n~~~\n\n- in a list\n\n  ~~~py\n  y = x + 1\n  ~~~\n")
    assert run(blocks)["y"] == 2


def test_await_at_top_level_runs_on_one_loop_for_the_whole_document() -> None:
    blocks = write(
        "~~~python\nimport asyncio\nasync def loop():\n    return asyncio.get_running_loop()\n~~~\n"
        "~~~python\nfirst = await loop()\n~~~\n"
        "~~~python\nasync with asyncio.timeout(5):\n    second = await loop()\n~~~\n"
    )
    namespace = run(blocks)
    assert namespace["first"] is namespace["second"]


def test_a_block_without_await_may_start_a_loop_of_its_own() -> None:
    assert run(write("~~~python\nimport asyncio\nasync def f():\n    return 3\nx = asyncio.run(f())\n~~~\n"))["x"] == 3


def test_a_marked_block_is_not_run_and_the_next_one_is() -> None:
    blocks = write("<!-- not run: needs a key -->\n~~~python\n1 / 0\n~~~\n\n~~~python\nx = 1\n~~~\n")
    assert [block.not_run for block in blocks] == ["needs a key", None]
    assert run(blocks)["x"] == 1


def test_a_block_names_the_service_that_it_needs() -> None:
    blocks = write("<!-- needs: redis -->\n~~~python\nx = 1\n~~~\n\n~~~python\ny = 1\n~~~\n")
    assert [block.needs for block in blocks] == ["redis", None]


@pytest.mark.parametrize("mark", ["<!-- not run: -->", "<!-- not run -->", "<!--not run:-->"])
def test_a_mark_without_a_reason_is_seen(mark: str) -> None:
    assert [block.not_run for block in write(f"{mark}\n~~~python\n1 / 0\n~~~\n")] == [""]


def test_a_failing_block_points_at_its_line_in_the_document() -> None:
    blocks = write("# Title\n\n~~~python\nx = 1\nraise RuntimeError('here')\n~~~\n")
    with pytest.raises(RuntimeError, match="here") as caught:
        run(blocks)
    deepest = traceback.extract_tb(caught.tb)[-1]
    assert (Path(deepest.filename).name, deepest.lineno) == ("page.md", 5)
