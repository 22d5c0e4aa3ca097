"""Templates from a JSON file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from medha.errors import TemplateError
from medha.files import allowed_path, open_to_read, parse_json
from medha.templates.model import QueryTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medha.settings import Settings


def load_templates(path: str | Path, settings: Settings) -> list[QueryTemplate]:
    """The templates in a JSON array; ``allowed_file_dir`` and ``max_file_size_mb`` hold here too.

    Raises:
        FileError: absent, not allowed, too large.
        TemplateError: not JSON, not an array, or an object that is no template; the message says which.
    """
    source = allowed_path(path, settings)
    with open_to_read(source, settings) as file:
        try:
            rows = parse_json(file.read().decode("utf-8-sig"))
        except ValueError as exc:
            raise TemplateError(f"{source} is not JSON: {exc}") from exc
    if not isinstance(rows, list):
        raise TemplateError(f"{source} must hold an array of templates, not {type(rows).__name__}")
    return check_templates(cast("list[Any]", rows), str(source))


def check_templates(given: Iterable[Any], where: str) -> list[QueryTemplate]:
    """Templates, or mappings with their fields, as templates; intents are distinct."""
    templates: list[QueryTemplate] = []
    for index, row in enumerate(given):
        try:
            template = row if isinstance(row, QueryTemplate) else QueryTemplate.model_validate(row)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise TemplateError(f"template {index} of {where}: {field or 'it'}: {first['msg']}") from exc
        if any(template.intent == other.intent for other in templates):
            raise TemplateError(
                f"template {index} of {where}: the intent {template.intent!r} is taken by an earlier one"
            )
        templates.append(template)
    return templates


async def gather_templates(given: Iterable[Any], settings: Settings) -> list[QueryTemplate]:
    """The given templates and those of ``template_file``, read off the event loop."""
    # off the event loop: their queries are parsed
    templates = await asyncio.to_thread(check_templates, given, "the given templates")
    if settings.template_file is None:
        return templates
    from_file = await asyncio.to_thread(load_templates, settings.template_file, settings)
    return check_templates([*templates, *from_file], f"the given templates and {settings.template_file}")
