"""Hypothesis strategies for whoever tests against this package.

hypothesis is no dependency of the package: only this module imports it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from runt_protocol._javascript import MAX_SAFE_INTEGER
from runt_protocol.events import EVENT_TYPES, Event, RuntimeSessionRenewal, UnknownEvent

# Few ids, so that the events of a list meet each other's rows. Some are stored
# otherwise than they came ("a\0" as "a"), and the empty one counts as none.
_IDS: Final = ("a", "a\0", "b", "\ud83d", "")
_MIME_TYPES: Final = (
    "application/json",
    "application/x-other",
    "image/png",
    "text/html",
    "text/plain",
)


def texts() -> st.SearchStrategy[str]:
    """Give texts as JavaScript knows them: lone surrogates and NULs included."""
    return st.text(st.characters(exclude_categories=()), max_size=20)


def json_values() -> st.SearchStrategy[Any]:
    """Give JSON values that JavaScript can also turn into text."""
    keys = texts().filter(lambda key: key != "toString")
    scalars = st.none() | st.booleans() | texts() | _numbers()
    return st.recursive(
        scalars,
        lambda values: (
            st.lists(values, max_size=3) | st.dictionaries(keys, values, max_size=3)
        ),
        max_leaves=5,
    )


def dates() -> st.SearchStrategy[datetime]:
    """Give moments that a date text can hold: whole milliseconds in UTC."""
    return st.datetimes(timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    )


def events(*event_types: type[Event]) -> st.SearchStrategy[Event]:
    """Give valid events.

    Args:
        event_types: The types to choose from, all if none is named.
    """
    types = event_types or tuple(EVENT_TYPES.values())
    return st.sampled_from(types).flatmap(_structs)


def unknown_events() -> st.SearchStrategy[UnknownEvent]:
    """Give events of a newer version."""
    names = texts().filter(lambda name: name not in EVENT_TYPES)
    args = st.none() | st.sampled_from(["null", "{}", '{"x": 1.0}', '["\\ud83d"]'])
    return st.builds(UnknownEvent, name=names, args_text=args)


@cache
def _structs(struct_type: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(struct_type, include_extras=True)
    fields = {
        field: _ids(hints[field]) if _is_id(field) else _values(hints[field])
        for field in struct_type.__struct_fields__
    }
    if struct_type is RuntimeSessionRenewal:
        fields["valid_for_ms"] = st.integers(-(10**12), 10**12) | st.floats(0, 1e6)
    return st.builds(struct_type, **fields)


def _values(hint: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one a kind
    by_type: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
        Any: json_values,
        str: texts,
        bool: st.booleans,
        int: _whole_numbers,
        float: _floats,
        datetime: dates,
        UnsetType: lambda: st.just(UNSET),
    }
    if hint in by_type:
        return by_type[hint]()
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin is Literal:
            return st.sampled_from(arguments)
        case origin if origin is Annotated:
            return _values(arguments[0])
        case origin if origin in (Union, UnionType):
            return st.one_of([_values(argument) for argument in arguments])
        case origin if origin is list:
            return st.lists(_values(arguments[0]), max_size=3)
        case origin if origin is dict:
            keys = texts() if arguments[1] is Any else st.sampled_from(_MIME_TYPES)
            return st.dictionaries(keys, _values(arguments[1]), max_size=3)
        case _:
            return _structs(hint)


def _is_id(field: str) -> bool:
    return field.endswith(("id", "_by", "file_name"))


def _ids(hint: Any) -> st.SearchStrategy[str | UnsetType]:
    ids = st.sampled_from(_IDS)
    return ids if hint is str else ids | st.just(UNSET)


def _whole_numbers() -> st.SearchStrategy[int]:
    return st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)


def _numbers() -> st.SearchStrategy[int | float]:
    return _whole_numbers() | _floats()


def _floats() -> st.SearchStrategy[float]:
    # Larger whole floats print all their digits, which Python reads as another int.
    return st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not number.is_integer() or abs(number) <= MAX_SAFE_INTEGER
    )
