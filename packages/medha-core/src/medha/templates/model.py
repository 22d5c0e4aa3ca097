"""The query template."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from medha.templates.blanks import PLACEHOLDER
from medha.templates.parameters import Parameter, check_pattern
from medha.templates.queries import QueryForm, form_of

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class QueryTemplate(BaseModel):
    """A question pattern with its parameterised query.

    ``template_text`` and ``aliases`` name parameters in braces ("top {count} customers"), ``query_template`` says where
    their values go. ``parameters`` are names, or typed: ``{"count": "int"}``, ``{"count": {"type": "int", "maximum":
    100}}``, or ``Parameter`` objects. A higher ``priority`` is tried first. ``parameter_patterns`` holds a regular
    expression that a parameter's text must match as a whole. ``binding`` "literal" puts values into the tree of an SQL
    query; "parameter" leaves placeholders and hands the values out as ``hit.parameters``, which is the only way
    for the languages "cypher" and "graphql". ``dialect`` is one of sqlglot's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    intent: Annotated[str, Field(min_length=1, max_length=256)]
    template_text: Text
    query_template: Text
    parameters: tuple[Parameter, ...] = ()
    priority: Annotated[int, Field(strict=True)] = 1
    aliases: tuple[Text, ...] = ()
    parameter_patterns: dict[str, str] = Field(default_factory=dict)
    language: Literal["sql", "cypher", "graphql"] = "sql"
    dialect: str | None = None
    binding: Literal["literal", "parameter"] | None = None

    @field_validator("parameters", mode="before")
    @classmethod
    def _typed(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            named = cast("Mapping[Any, Any]", given).items()
            return [_parameter(kind if isinstance(kind, Mapping) else {"type": kind}, name) for name, kind in named]
        if isinstance(given, list | tuple):
            return tuple({"name": each} if isinstance(each, str) else each for each in cast("list[Any]", given))
        return given

    @field_validator("parameters")
    @classmethod
    def _distinct(cls, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        names = [parameter.name for parameter in parameters]
        if len(set(names)) != len(names):
            raise ValueError(f"a parameter is named twice in {names}")
        return parameters

    @field_validator("parameter_patterns")
    @classmethod
    def _patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        for name, pattern in patterns.items():
            check_pattern(pattern, f"the pattern of {name!r}")
        return patterns

    @model_validator(mode="after")
    def _agree(self) -> QueryTemplate:
        declared = {parameter.name for parameter in self.parameters}
        for what, text in (("template_text", self.template_text), *(("alias", alias) for alias in self.aliases)):
            named = set(PLACEHOLDER.findall(text))
            if named != declared:
                raise ValueError(f"{what} {text!r} names {sorted(named)}, but parameters are {sorted(declared)}")
        if unknown := set(self.parameter_patterns) - declared:
            raise ValueError(f"parameter_patterns names {sorted(unknown)}, which are no parameters")
        if self.language != "sql" and self.binding == "literal":
            raise ValueError(f"values go into {self.language} as parameters only; leave binding out")
        self.form  # noqa: B018 - what does not parse is refused now
        return self

    @cached_property
    def form(self) -> QueryForm:
        """The query, parsed, into which values are bound."""
        return form_of(self)


def _parameter(spec: Any, name: Any) -> dict[str, Any]:
    return {"name": name, **spec}
