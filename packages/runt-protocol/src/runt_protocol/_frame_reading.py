"""How the text of a frame is read: by msgspec, or with care where it refuses too much.

msgspec refuses lone surrogates, which the texts of the real peers may hold.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from ._errors import WireError
from ._json import LENIENT, may_hold_lone_surrogate
from ._raw_json import raw_members

T = TypeVar("T")


def read_frame(
    text: str, decoder: msgspec.json.Decoder[T], slowly: Callable[[str], T]
) -> T:
    """Read a frame, or the text of a part of it.

    Args:
        text: The text.
        decoder: What reads nearly every frame.
        slowly: What reads one with lone surrogates; it may raise what `read_members`
            raises.

    Raises:
        WireError: It is no frame.
    """
    try:
        return decoder.decode(text)
    except RecursionError:
        raise WireError("it nests too deeply") from None
    except ValueError as error:  # msgspec's own errors and UnicodeEncodeError
        if isinstance(error, msgspec.ValidationError) or not may_hold_lone_surrogate(
            text
        ):
            raise WireError(str(error)) from None
    try:
        return slowly(text)
    except RecursionError:
        raise WireError("it nests too deeply") from None
    except ValueError as error:
        raise WireError(str(error)) from None


def read_members(text: str, **readers: Callable[[str], Any]) -> dict[str, Any]:
    """Read a JSON object that may hold lone surrogates, for `msgspec.convert`.

    Args:
        text: The object.
        readers: How to read members other than as plain values, by name.

    Raises:
        ValueError: It is no object, or a value of it is no JSON.
        RecursionError: A value nests too deeply.
    """
    return {
        name: readers.get(name, LENIENT.decode)(member)
        for name, member in raw_members(text).items()
    }


def read_raw(text: str) -> Raw:
    """Keep a value as the text that it is."""
    return Raw(text.encode())


def find_text(text: str, member: str) -> str:
    """Find a member of what may be anything.

    Args:
        text: Any text.
        member: The member's name.

    Returns:
        Its value if the text is a JSON object where it is a text, else an empty text.
    """
    try:
        value: Any = LENIENT.decode(raw_members(text)[member])
    except (ValueError, KeyError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
