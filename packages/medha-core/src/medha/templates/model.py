"""The query template."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class QueryTemplate(BaseModel):
    """A question pattern with its parameterised query.

    ``template_text`` and ``aliases`` name parameters in braces ("top {count} customers"), ``query_template`` says where
    their values go. A higher ``priority`` is tried first. ``parameter_patterns`` holds a regular expression that a
    parameter's text must match as a whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    intent: Annotated[str, Field(min_length=1, max_length=256)]
    template_text: Text
    query_template: Text
    parameters: tuple[str, ...] = ()
    priority: Annotated[int, Field(strict=True)] = 1
    aliases: tuple[Text, ...] = ()
    parameter_patterns: dict[str, str] = Field(default_factory=dict)

    @field_validator("parameters")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a parameter name: letters, digits and '_', a letter first")
        if len(set(names)) != len(names):
            raise ValueError(f"a parameter is named twice in {list(names)}")
        return names

    @field_validator("parameter_patterns")
    @classmethod
    def _patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        for name, pattern in patterns.items():
            try:
                re.compile(pattern)
            except re.error as exc:
                raise ValueError(f"the pattern of {name!r} is not a regular expression: {exc}") from exc
        return patterns

    @model_validator(mode="after")
    def _agree(self) -> QueryTemplate:
        declared = set(self.parameters)
        for what, text in (("template_text", self.template_text), *(("alias", alias) for alias in self.aliases)):
            named = set(_PLACEHOLDER.findall(text))
            if named != declared:
                raise ValueError(f"{what} {text!r} names {sorted(named)}, but parameters are {sorted(declared)}")
        if unused := declared - set(_PLACEHOLDER.findall(self.query_template)):
            raise ValueError(f"query_template never uses {sorted(unused)}")
        if unknown := set(self.parameter_patterns) - declared:
            raise ValueError(f"parameter_patterns names {sorted(unknown)}, which are no parameters")
        return self
