import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_protocol._raw_json import raw_items, raw_members
from runt_protocol.testing import json_values


def test_the_texts_of_the_values_are_untouched() -> None:
    text = ' { "a" : [1, 2.50 ] ,\n"\\u0062":"\\ud83d", "c" :1e999,"d":{}}\t'
    assert raw_members(text) == {
        "a": "[1, 2.50 ]",
        "b": '"\\ud83d"',
        "c": "1e999",
        "d": "{}",
    }
    assert raw_items(' [ 1.0 , "x", [ ] ] ') == ["1.0", '"x"', "[ ]"]


def test_empty_ones() -> None:
    assert raw_members("{ }") == {}
    assert raw_items("[\r]") == []


def test_the_last_of_equal_keys_wins() -> None:
    assert raw_members('{"a":1,"a":2}') == {"a": "2"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "{,}", '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', "{1:2}", "{}x", "[]",
     '{"a":NaN}', '{"a":1 "b":2}', "nul"],
)  # fmt: skip
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        raw_members(text)


@pytest.mark.parametrize("text", ["", "[", "[,]", "[1,]", "[1 2]", "[]]", "{}", "[01]"])
def test_what_is_no_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        raw_items(text)


@given(st.dictionaries(st.text(), json_values()), st.sampled_from([None, 1]))
def test_the_parts_are_the_whole(value: dict[str, object], indent: int | None) -> None:
    parts = raw_members(json.dumps(value, indent=indent))
    assert {key: json.loads(text) for key, text in parts.items()} == value
    items = raw_items(json.dumps(list(value.values()), indent=indent))
    assert [json.loads(text) for text in items] == list(value.values())
