r"""JSON as JavaScript reads and writes it.

msgspec is fast, but it differs from the peers of this protocol in two points: it
refuses a text that holds a lone surrogate (`"\ud83d"`, which JavaScript strings may
contain), and it prints whole floats with a fraction (`1.0`, where JavaScript prints
`1`). Texts and values with these take a slow path of our own.
"""

import json
import re
from decimal import Decimal
from math import inf, isfinite, isnan
from typing import Any, Final, NoReturn, cast

import msgspec

# A float in msgspec's output: digits around a point, or an exponent. Text inside
# strings may match as well; that only costs the slow path.
_FLOAT: Final = re.compile(rb"\d[.eE][-+\d]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_LEAST_DECIMAL: Final = 1e-6
_LEAST_EXPONENTIAL: Final = 1e21


def loads(text: str) -> Any:
    r"""Read a JSON text.

    Args:
        text: The text. Escapes of lone surrogates are kept as lone surrogates.

    Returns:
        The value, made of dict, list, str, int, float, bool and None.

    Raises:
        ValueError: The text is no JSON, nests too deeply, or holds a number that no
            double can hold.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("JSON nests too deeply") from None
    except ValueError as error:  # msgspec's own errors and UnicodeEncodeError
        if not may_hold_lone_surrogate(text):
            raise ValueError(str(error)) from None
    return decode_leniently(text)


def dumps(value: object) -> str:
    r"""Write a value the way `JSON.stringify` does, without spaces.

    Floats print as in JavaScript (`1.0` as `1`, NaN and infinities as `null`), lone
    surrogates as escapes (`\ud83d`), keys in the order of the mapping.

    Args:
        value: JSON builtins, or whatever `msgspec.to_builtins` turns into them.

    Returns:
        The JSON text; it always encodes as UTF-8.

    Raises:
        TypeError: The value holds an object that has no JSON form.
        RecursionError: The value nests too deeply.
    """
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _write(msgspec.to_builtins(value, str_keys=True))
    if _FLOAT.search(encoded):
        return _write(msgspec.to_builtins(value, str_keys=True))
    return encoded.decode()


def dump_text(text: str) -> str:
    """Write a text as `dumps` does, four times as fast: it holds no float to look for.

    Args:
        text: Any text.
    """
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        return _write_string(text)


def number_text(number: int | float) -> str:  # noqa: PYI041 - both layouts differ
    """Print a number as JavaScript's `String()` does.

    Args:
        number: Any int or float.

    Returns:
        The shortest decimal form in JavaScript's layout, such as `1`, `0.000001`,
        `1e-7`, `1e+21`, `NaN` or `-Infinity`. Integers keep all their digits.
    """
    if isinstance(number, int):
        return str(number)
    if isnan(number):
        return "NaN"
    if not isfinite(number):
        return "Infinity" if number > 0 else "-Infinity"
    if not number:
        return "0"  # also for -0
    shortest = repr(number)
    if _LEAST_DECIMAL <= abs(number) < _LEAST_EXPONENTIAL:
        return format(Decimal(shortest), "f").removesuffix(".0")
    return shortest.replace("e-0", "e-")


def same_json(one: str, other: str) -> bool:
    """Tell whether JavaScript reads the same value from two JSON texts.

    Key order, spelling of numbers and escapes make no difference, for a server may
    parse and write again what it stores; nor do digits that no double holds.
    """
    if one == other:
        return True
    try:
        return _normal_text(loads(one)) == _normal_text(loads(other))
    except (ValueError, RecursionError):
        return False


def may_hold_lone_surrogate(text: str) -> bool:
    """Tell whether msgspec may have refused a text only for its surrogates."""
    return _SURROGATE_ESCAPE.search(text) is not None


def decode_leniently(text: str) -> Any:
    """Read a JSON text with the standard library; only surrogates pass more freely.

    Raises:
        ValueError: As `loads`.
    """
    try:
        return LENIENT.decode(text)
    except RecursionError:
        raise ValueError("JSON nests too deeply") from None


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python would read as numbers."""
    raise ValueError(f"{name} is no JSON value")


def _normal_text(value: object) -> str:
    return dumps(_normal(value))


def _normal(value: object) -> object:
    match value:
        case bool():
            return value
        case int():
            return _double(value)
        case list():
            return [_normal(item) for item in cast("list[object]", value)]
        case dict():
            members = cast("dict[str, object]", value)
            return {key: _normal(members[key]) for key in sorted(members)}
        case _:
            return value


def _double(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return inf


def _write(value: object) -> str:  # noqa: PLR0911 - a return for each kind of value
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _write_string(value)
        case int():
            return str(value)
        case float():
            return number_text(value) if isfinite(value) else "null"
        case dict():
            members = cast("dict[str, object]", value)
            texts = (f"{_write_string(k)}:{_write(v)}" for k, v in members.items())
            return f"{{{','.join(texts)}}}"
        case _:
            return f"[{','.join(map(_write, cast('list[object]', value)))}]"


def _write_string(text: str) -> str:
    return _SURROGATE.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False)
    )


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("number out of range")
    return number


LENIENT: Final = json.JSONDecoder(
    parse_constant=refuse_constant, parse_float=_finite_float
)
