import json

import pytest
from hypothesis import example, given

from runt_protocol._json import (
    decode_leniently,
    dump_text,
    dumps,
    loads,
    number_text,
    same_json,
)
from runt_protocol.testing import json_values

LONE = "\ud83d"


# What JavaScript's String() and JSON.stringify() print, from running them.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (12.5, "12.5"),
        (1e-6, "0.000001"),
        (1.5e-5, "0.000015"),
        (1e-7, "1e-7"),
        (-1.5e-10, "-1.5e-10"),
        (1e16, "10000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (2**64, "18446744073709551616"),
    ],
)
def test_a_number_prints_as_in_javascript(number: float, text: str) -> None:
    assert number_text(number) == text


def test_a_value_prints_as_by_json_stringify() -> None:
    value: dict[str, object] = {
        "b": [1.0, 0.5, True, False, None, float("nan"), float("-inf"), 7],
        "a": f'"\\/\n\t\b\f\r\x00\x1f\x7fé\u2028😀{LONE}',
        "1": {},
    }
    assert dumps(value) == (
        '{"b":[1,0.5,true,false,null,null,null,7],'
        '"a":"\\"\\\\/\\n\\t\\b\\f\\r\\u0000\\u001f\x7fé\u2028😀\\ud83d","1":{}}'
    )


@pytest.mark.parametrize("text", ["", "2026-01-01T00:00:00.000Z", f'"\\\x00é{LONE}'])
def test_a_text_alone_prints_as_among_others(text: str) -> None:
    assert dump_text(text) == dumps(text)


def test_a_text_that_looks_like_a_float_is_no_float() -> None:
    assert dumps(["1.5", 1]) == '["1.5",1]'


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        dumps(object())


def test_a_lone_surrogate_survives() -> None:
    assert loads('{"\\ud83d":"x\\ude00"}') == {LONE: "x\ude00"}
    assert dumps({LONE: "x\ude00"}) == '{"\\ud83d":"x\\ude00"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        "NaN",
        "[Infinity]",
        "01",
        "1e999",
        '"\\ud83d',
        '["\\ud83d",NaN]',
        '["\\ud83d",1e999]',
        '"\x01"',
        "[" * 100_000,
        '["\\ud83d",' + "[" * 100_000,
        '"\ud83d',
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@given(json_values())
@example([LONE, {"a": LONE}, 1e300])
def test_what_is_written_reads_back(value: object) -> None:
    text = dumps(value)
    text.encode()
    assert dumps(loads(text)) == text
    # A whole float comes back as an int; that is the same number.
    assert loads(text) == value


@given(json_values())
def test_the_slow_way_to_read_is_as_good_as_the_fast_one(value: object) -> None:
    text = json.dumps(value)
    assert decode_leniently(text) == loads(text)


@given(json_values())
def test_key_order_and_spelling_make_no_difference(value: object) -> None:
    assert same_json(dumps(value), json.dumps(value, sort_keys=True, indent=1))
    assert not same_json(dumps(value), dumps([value]))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", "1.0", True),
        ("1152921504606846976", "1152921504606847000", True),
        ("1", "true", False),
        ("null", "0", False),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('"\\u00e9"', '"é"', True),
        ("1" + "0" * 400, "null", True),
        ("1", "x", False),
    ],
)
def test_same_means_what_javascript_reads(one: str, other: str, *, same: bool) -> None:
    assert same_json(one, other) is same
