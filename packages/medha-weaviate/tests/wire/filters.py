"""Whether an object fulfils the filters of a request."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from weaviate.proto.v1 import base_pb2

from .refusing import RefusedError, only_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .store import Class

_Operator: Final = base_pb2.Filters
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "value_text": ("text", "text[]"),
    "value_number": ("number",),
    "value_boolean": ("boolean",),
    "value_int": ("int",),
    "value_text_array": ("text", "text[]"),
}
_COMPARING: Final[Mapping[int, Callable[[Any, Any], bool]]] = {
    _Operator.OPERATOR_EQUAL: operator.eq,
    _Operator.OPERATOR_GREATER_THAN: operator.gt,
    _Operator.OPERATOR_GREATER_THAN_EQUAL: operator.ge,
    _Operator.OPERATOR_LESS_THAN: operator.lt,
    _Operator.OPERATOR_LESS_THAN_EQUAL: operator.le,
}


def predicate(filters: Any, kind: Class) -> Callable[[Mapping[str, Any]], bool]:
    """The filters as a function of an object's properties; refuses at once what is wrong with them."""
    if filters.operator in {_Operator.OPERATOR_AND, _Operator.OPERATOR_OR}:
        only_fields(filters, {"operator", "filters"})
        if not filters.filters:
            raise RefusedError("operator And/Or needs operands")
        parts = [predicate(part, kind) for part in filters.filters]
        joined = all if filters.operator == _Operator.OPERATOR_AND else any
        return lambda properties: joined(part(properties) for part in parts)
    return _on_property(filters, kind)


def _on_property(filters: Any, kind: Class) -> Callable[[Mapping[str, Any]], bool]:
    which = filters.WhichOneof("test_value")
    only_fields(filters, {"operator", "target", which})
    only_fields(filters.target, {"property"})
    name = filters.target.property
    prop = kind.properties.get(name)
    if prop is None:
        raise RefusedError(f"no such prop with name '{name}' found in class '{kind.name}' in the schema")
    if not prop.get("indexFilterable"):
        raise RefusedError(f"Filtering by property '{name}' requires inverted index. Is `indexFilterable` set for it?")
    (data_type,) = prop["dataType"]
    if data_type not in _VALUES.get(which, ()):
        raise RefusedError(f"data type filter cannot use {which!r} on the property '{name}' of type {data_type}")
    if data_type.startswith("text") and prop.get("tokenization") != "field":
        raise RefusedError("this server compares whole texts alone (tokenization field)")
    wanted = getattr(filters, which)
    if filters.operator in {_Operator.OPERATOR_CONTAINS_ANY, _Operator.OPERATOR_CONTAINS_ALL}:
        return _containing(filters.operator, name, wanted)
    compare = _COMPARING.get(filters.operator)
    if compare is None:
        raise RefusedError(f"this server does not know the operator {filters.operator}")
    asked = _token(wanted)
    return lambda properties: any(compare(_token(value), asked) for value in _values(properties, name))


def _containing(how: int, name: str, wanted: Any) -> Callable[[Mapping[str, Any]], bool]:
    tokens = {_token(value) for value in wanted.values}
    if not tokens:
        raise RefusedError("operator ContainsAny/ContainsAll: values are empty")
    if how == _Operator.OPERATOR_CONTAINS_ANY:
        return lambda properties: not tokens.isdisjoint(map(_token, _values(properties, name)))
    return lambda properties: tokens <= {_token(value) for value in _values(properties, name)}


def _values(properties: Mapping[str, Any], name: str) -> list[Any]:
    value: Any = properties.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]


def _token(value: Any) -> Any:
    # ``field`` trims white space, and the index is in the order of bytes
    return value.strip().encode() if isinstance(value, str) else value
