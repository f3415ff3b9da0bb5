"""How JavaScript turns values into text: `String()` and the order of object keys.

The notebook's tables hold what the JavaScript clients' materialisers wrote, so these
rules decide whether our state equals theirs.
"""

from math import inf
from typing import Any, Final, cast

from runt_protocol._json import dumps, number_text

MAX_SAFE_INTEGER: Final = 2**53 - 1
# Keys that JavaScript treats as array indices come first, in ascending order.
_MAX_INDEX: Final = 2**32 - 2
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def string(value: Any) -> str:  # noqa: PLR0911 - a return for each kind of value
    """Turn a JSON value into text as JavaScript's `String()` does.

    Args:
        value: A JSON value; `UNSET` stands for `undefined`.

    Returns:
        The text; objects give `[object Object]`, arrays their elements with commas.

    Raises:
        TypeError: An object has a member `toString`, which JavaScript then fails to
            call.
        RecursionError: Arrays nest too deeply.
    """
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case list():
            items = cast("list[Any]", value)
            return ",".join("" if item is None else string(item) for item in items)
        case dict():
            if "toString" in value:
                raise TypeError("an object with a member toString has no text")
            return "[object Object]"
        case _:
            return "undefined"


def string_or_empty(value: Any) -> str:
    """Give the text of a value, "" for what counts as false in JavaScript.

    Raises:
        TypeError: As `string`.
        RecursionError: As `string`.
    """
    return string(value) if is_true(value) else ""


def is_true(value: Any) -> bool:
    """Tell whether JavaScript counts a JSON value as true; empty containers are."""
    return bool(value) or isinstance(value, list | dict)


def json_text(value: Any) -> str:
    """Write a JSON value as `JSON.stringify` prints it after `JSON.parse`.

    Args:
        value: A JSON value.

    Returns:
        Compact text; numbers rounded to doubles, index-like keys of objects first.

    Raises:
        RecursionError: The value nests too deeply.
    """
    return dumps(_as_parsed(value))


def base36(number: float) -> str:
    """Print the integer below a number as `Math.floor(x).toString(36)` does.

    Args:
        number: A finite number.

    Returns:
        Lower-case digits, zeros at the end of what a double cannot tell apart: the
        same digits as V8 gives, so that cells sort alike everywhere.
    """
    rest = abs(float(number // 1))
    digits: list[str] = []
    while rest / 36 > MAX_SAFE_INTEGER:
        rest /= 36
        digits.append("0")
    while rest > 0 or not digits:
        digit = rest % 36
        rest = (rest - digit) / 36  # rounds above 2**53, as it does there
        digits.append(_DIGITS[int(digit)])
    sign = "-" if number // 1 < 0 else ""
    return sign + "".join(reversed(digits))


def _number(number: int | float) -> str:  # noqa: PYI041 - their texts differ
    return number_text(_as_double(number) if isinstance(number, int) else number)


def _as_double(number: int) -> int | float:
    """Round an integer as JavaScript does when it reads one."""
    if abs(number) <= MAX_SAFE_INTEGER:
        return number
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def _as_parsed(value: Any) -> Any:
    match value:
        case int():
            return _as_double(value)
        case list():
            return [_as_parsed(item) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value)
            indices = sorted(filter(_is_index, members), key=int)
            return {key: _as_parsed(members[key]) for key in (*indices, *members)}
        case _:
            return value


def _is_index(key: str) -> bool:
    return key.isdecimal() and str(int(key)) == key and int(key) <= _MAX_INDEX
