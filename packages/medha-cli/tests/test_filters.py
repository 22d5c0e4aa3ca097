"""Scopes as they are typed."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from medha_cli.filters import parse_filters

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)


@given(key=KEYS, value=st.text())
def test_str_keeps_any_text_as_it_is(key: str, value: str) -> None:
    assert parse_filters([f"{key}:str={value}"]) == {key: value}


@given(key=KEYS, value=st.integers())
def test_an_integer_is_one(key: str, value: int) -> None:
    found = parse_filters([f"{key}={value}"])[key]
    assert (type(found), found) == (int, value)


@given(key=KEYS, value=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9999, max_value=9999))
def test_a_decimal_number_is_a_float(key: str, value: object) -> None:
    found = parse_filters([f"{key}={value}"])[key]
    assert (type(found), found) == (float, float(str(value)))


@pytest.mark.parametrize("text", ["007", "1,5", "1e5", "nan", "inf", "True", "", "1_000", "2024-03-01", "a=b", " 1"])
def test_what_looks_only_a_little_like_a_number_is_a_text(text: str) -> None:
    assert parse_filters([f"key={text}"]) == {"key": text}


def test_true_and_false_are_booleans_and_keys_add_up() -> None:
    assert parse_filters(["a=true", "b=false", "c=x"]) == {"a": True, "b": False, "c": "x"}


@pytest.mark.parametrize("given_pairs", [["a"], ["=1"], [":str=1"], ["a:int=1"], ["a=1", "a:str=1"]])
def test_what_is_not_a_key_with_a_value_is_refused(given_pairs: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        parse_filters(given_pairs)
