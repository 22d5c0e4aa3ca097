"""Query templates: what makes one, and what is refused in a file of them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import ValidationError

from medha import Medha, QueryTemplate
from medha.errors import FileError, FileNotAllowedError, FileTooLargeError, LifecycleError, TemplateError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCache, WordsEmbedder

TOP: Final[dict[str, Any]] = {
    "intent": "top_customers",
    "template_text": "top {count} customers in {country}",
    "query_template": "SELECT * FROM customers WHERE country = '{country}' LIMIT {count}",
    "parameters": ["count", "country"],
    "aliases": ["the {count} best customers of {country}"],
    "priority": 3,
    "parameter_patterns": {"count": r"[0-9]+"},
}
PLAIN: Final = {"intent": "total", "template_text": "total sales", "query_template": "SELECT 1"}


def test_a_template_is_a_frozen_value() -> None:
    template = QueryTemplate.model_validate(TOP)
    assert [(parameter.name, parameter.type) for parameter in template.parameters] == [
        ("count", "string"),
        ("country", "string"),
    ]
    assert template == QueryTemplate.model_validate(json.loads(json.dumps(TOP)))
    with pytest.raises(ValidationError, match="frozen"):
        template.intent = "other"


def test_only_intent_and_the_two_texts_are_needed() -> None:
    template = QueryTemplate.model_validate(PLAIN)
    assert (template.parameters, template.aliases, template.priority) == ((), (), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intent": ""}, "intent: String should have at least 1 character"),
        ({"intent": "  "}, "intent: String should have at least 1 character"),
        ({"intent": 7}, "intent: Input should be a valid string"),
        ({"intent": "x" * 257}, "intent: String should have at most 256 characters"),
        ({"template_text": ""}, "template_text: String should have at least 1 character"),
        ({"template_text": "x" * 100_001}, "template_text: String should have at most 100000"),
        (
            {"template_text": "top {count} customers"},
            r"template_text .* names \['count'\], but parameters are \['count'",
        ),
        ({"template_text": "top {count} {other} {country}"}, r"template_text .* names \['count', 'country', 'other'\]"),
        ({"aliases": ["best {count}"]}, r"alias 'best \{count\}' names \['count'\]"),
        ({"aliases": [""]}, r"aliases\.0: String should have at least 1"),
        ({"query_template": "SELECT {count}"}, r"query_template never uses \['country'\]"),
        ({"parameters": ["count", "count", "country"]}, "a parameter is named twice"),
        ({"parameters": ["1st"]}, "'1st' is not a parameter name: letters, digits"),
        ({"parameters": "count"}, "parameters: Input should be a valid tuple"),
        ({"parameter_patterns": {"count": "[0-9"}}, "the pattern of 'count' is not a regular expression: unterminated"),
        ({"parameter_patterns": {"other": "a"}}, r"parameter_patterns names \['other'\], which are no parameters"),
        ({"priority": "high"}, "priority: Input should be a valid integer"),
        ({"priority": True}, "priority: Input should be a valid integer"),
        ({"answer": 1}, "answer: Extra inputs are not permitted"),
    ],
)
async def test_a_bad_template_is_refused_with_its_index_and_field(
    embedder: WordsEmbedder, make_cache: MakeCache, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    rows = [PLAIN, TOP | change]
    path = tmp_path / "templates.json"
    path.write_text(json.dumps(rows), "utf-8")
    with pytest.raises(TemplateError, match=f"template 1 of .*templates.json: .*{message}"):
        await make_cache(template_file=path).start()
    with pytest.raises(TemplateError, match=f"template 1 of the given templates: .*{message}"):
        await Medha("tests", embedder, templates=rows).start()


@pytest.mark.parametrize("missing", ["intent", "template_text", "query_template"])
async def test_a_template_without_a_needed_field_is_refused(embedder: WordsEmbedder, missing: str) -> None:
    row = {name: value for name, value in PLAIN.items() if name != missing}
    with pytest.raises(TemplateError, match=f"template 0 of the given templates: {missing}: Field required"):
        await Medha("tests", embedder, templates=[row]).start()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"templates\.json is not JSON: Expecting value"),
        (b"[{", r"templates\.json is not JSON: "),
        (b'[{"intent": "\xff"}]', r"templates\.json is not JSON: 'utf-8' codec"),
        (b"{}", r"templates\.json must hold an array of templates, not dict"),
        (b'"total"', "must hold an array of templates, not str"),
        (b"null", "must hold an array of templates, not NoneType"),
        (b"[1]", r"template 0 of .*templates\.json: it: Input should be .*QueryTemplate"),
        (b"[[]]", r"template 0 of .*templates\.json: it: Input should be"),
        (b"[" * 200_000, "is not JSON: nested too deeply"),
        (b"[" + b"9" * 100_000 + b"]", "is not JSON: .*digits"),
    ],
)
async def test_a_file_that_holds_no_templates_is_refused(
    make_cache: MakeCache, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "templates.json"
    path.write_bytes(content)
    with pytest.raises(TemplateError, match=message):
        await make_cache(template_file=path).start()


async def test_a_template_file_is_read_when_the_cache_starts(make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([TOP, PLAIN]).encode())
    cache = make_cache(template_file=path)
    with pytest.raises(LifecycleError, match="not started"):
        cache.templates  # noqa: B018
    async with cache:
        assert [template.intent for template in cache.templates] == ["top_customers", "total"]


async def test_an_intent_is_taken_once(embedder: WordsEmbedder, make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    path.write_text(json.dumps([PLAIN, TOP, PLAIN]), "utf-8")
    with pytest.raises(TemplateError, match=r"template 2 of .*: the intent 'total' is taken by an earlier one"):
        await make_cache(template_file=path).start()
    path.write_text(json.dumps([PLAIN]), "utf-8")
    settings = make_cache(template_file=path).settings
    with pytest.raises(TemplateError, match=r"given templates and .*templates\.json: the intent 'total' is taken"):
        await Medha("tests", embedder, settings=settings, templates=[QueryTemplate.model_validate(PLAIN)]).start()


async def test_a_template_file_that_is_not_there_is_an_error_and_the_cache_can_start_later(
    make_cache: MakeCache, tmp_path: Path
) -> None:
    path = tmp_path / "templates.json"
    cache = make_cache(template_file=path)
    with pytest.raises(FileError, match=r"cannot read .*templates\.json: No such file"):
        await cache.start()
    path.write_text(json.dumps([PLAIN]), "utf-8")
    async with cache:
        assert len(cache.templates) == 1


async def test_a_template_file_that_is_a_folder_is_an_error(make_cache: MakeCache, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="it is a folder, not a file"):
        await make_cache(template_file=tmp_path).start()


async def test_a_template_file_of_200_megabytes_is_refused_unread(make_cache: MakeCache, tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    path.touch()
    os.truncate(path, 200_000_000)
    with pytest.raises(FileTooLargeError, match=r"200\.0 MB, more than max_file_size_mb = 100; .*MAX_FILE_SIZE_MB"):
        await make_cache(template_file=path).start()


async def test_a_template_file_stays_inside_the_allowed_folder(make_cache: MakeCache, tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    outside = tmp_path / "templates.json"
    outside.write_text(json.dumps([PLAIN]), "utf-8")
    link = tmp_path / "allowed" / "templates.json"
    link.symlink_to(outside)
    for path in (outside, link, tmp_path / "allowed" / ".." / "templates.json"):
        with pytest.raises(FileNotAllowedError, match="outside allowed_file_dir"):
            await make_cache(template_file=path, allowed_file_dir=tmp_path / "allowed").start()
