"""Texts as V8 gives them; each expectation was printed by the real engine."""

import pytest
from msgspec import UNSET

from runt_protocol._javascript import base36, json_text, string, string_or_empty


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (UNSET, "undefined"),
        ({}, "[object Object]"),
        ([], ""),
        ([1, None, "x", [2, 3], {"a": 1}, True], "1,,x,2,3,[object Object],true"),
        (0, "0"),
        (-0.0, "0"),
        (12.0, "12"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (9007199254740993, "9007199254740992"),
        (123456789012345678901234567890, "1.2345678901234568e+29"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
    ],
)
def test_string(value: object, text: str) -> None:
    assert string(value) == text


@pytest.mark.parametrize("value", [{"toString": 1}, [[{"toString": "x"}]]])
def test_what_has_no_string(value: object) -> None:
    with pytest.raises(TypeError, match="toString"):
        string(value)


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", UNSET])
def test_false_values_are_empty(value: object) -> None:
    assert string_or_empty(value) == ""


def test_empty_containers_are_true() -> None:
    assert string_or_empty([[]]) == ""
    assert string_or_empty({}) == "[object Object]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"b": 1, "10": 2, "a": [1.0, None], "2": 3},
            '{"2":3,"10":2,"b":1,"a":[1,null]}',
        ),
        (
            {"01": 1, "-1": 2, "4294967295": 3, "0": 4},
            '{"0":4,"01":1,"-1":2,"4294967295":3}',
        ),
        ({"x": {"1": 1, "0": 0}}, '{"x":{"0":0,"1":1}}'),
        ({"²": 1, "1": 2}, '{"1":2,"²":1}'),
        (12345678901234567890, "12345678901234567000"),
        (10**400, "null"),
        ("\ud83d\0é", '"\\ud83d\\u0000é"'),
    ],
)
def test_json_text(value: object, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (35.999, "z"),
        (36, "10"),
        (-0.5, "-1"),
        (-36.5, "-11"),
        (2**53, "2gosa7pa2gw"),
        (2.0**53 * 36, "2gosa7pa2gw0"),
        (1e21, "5v1j4f4ds7c000"),
        (-1e25, "-198exbvshgps00000"),
        (4.7075001432256197e24, "lakqr5nmv5o00000"),
    ],
)
def test_base36(number: float, text: str) -> None:
    assert base36(number) == text
