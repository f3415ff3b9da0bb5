"""Take a JSON text apart without touching the texts of its values.

msgspec does this with `msgspec.Raw`, but it refuses a whole frame for one lone
surrogate somewhere inside it. This is the slow way for such frames.
"""

import json
from typing import Final

from ._json import LENIENT, refuse_constant

_SPACE: Final = " \t\n\r"
# Only finds where a value ends: numbers are not converted, so none is out of range.
_SCANNER: Final = json.JSONDecoder(
    parse_constant=refuse_constant, parse_float=str, parse_int=str
)


def raw_members(text: str) -> dict[str, str]:
    """Split a JSON object into its members, each value still the text that it was.

    Args:
        text: A whole JSON text. The last of several equal keys wins, as everywhere.

    Raises:
        ValueError: The text is no JSON object.
        RecursionError: A value nests too deeply.
    """
    scanner = _Scanner(text)
    scanner.expect("{")
    members: dict[str, str] = {}
    closed = scanner.take("}")
    while not closed:
        key = scanner.value()
        if not key.startswith('"'):
            raise ValueError(f"a key is expected before character {scanner.position}")
        scanner.expect(":")
        members[LENIENT.decode(key)] = scanner.value()
        closed = scanner.take("}")
        if not closed:
            scanner.expect(",")
    scanner.expect_end()
    return members


def raw_items(text: str) -> list[str]:
    """Split a JSON array into its items, each still the text that it was.

    Args:
        text: A whole JSON text.

    Raises:
        ValueError: The text is no JSON array.
        RecursionError: A value nests too deeply.
    """
    scanner = _Scanner(text)
    scanner.expect("[")
    items: list[str] = []
    closed = scanner.take("]")
    while not closed:
        items.append(scanner.value())
        closed = scanner.take("]")
        if not closed:
            scanner.expect(",")
    scanner.expect_end()
    return items


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def take(self, mark: str) -> bool:
        self._skip_space()
        found = self._text.startswith(mark, self.position)
        self.position += found
        return found

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            raise ValueError(f"{mark!r} is expected at character {self.position}")

    def expect_end(self) -> None:
        self._skip_space()
        if self.position < len(self._text):
            raise ValueError(f"the text should end at character {self.position}")

    def value(self) -> str:
        self._skip_space()
        start = self.position
        _, self.position = _SCANNER.raw_decode(self._text, start)
        return self._text[start : self.position]

    def _skip_space(self) -> None:
        text = self._text
        while self.position < len(text) and text[self.position] in _SPACE:
            self.position += 1
