"""Where new cells stand in a notebook: behind all others, in order.

A fractional index is a string; cells are ordered by comparing these strings, and there
is room for another between any two of them. Digits are those of the web application,
0 to 9 and a to z. None ends in 0: nothing would fit between `a` and `a0`.
"""

from typing import Final

_DIGITS: Final = "123456789abcdefghijklmnopqrstuvwxyz"


def indexes_after(last: str | None, count: int) -> list[str]:
    """Make indexes for cells at the end of a notebook.

    Args:
        last: The largest index that is taken; None in an empty notebook.
        count: How many are needed.

    Returns:
        Ascending indexes, all larger than `last`.
    """
    prefix = "a" if last is None else _prefix_after(last)
    width = len(_digits(count))
    return [prefix + _digits(number, width) for number in range(count)]


def _prefix_after(last: str) -> str:
    """Find a short string that sorts behind `last`, and with it all that begin so."""
    for place, char in enumerate(last):
        larger = next((digit for digit in _DIGITS if digit > char), None)
        if larger is not None:
            return last[:place] + larger
    return last + _DIGITS[len(_DIGITS) // 2]


def _digits(number: int, width: int = 1) -> str:
    digits = ""
    while number or len(digits) < width:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
