"""A file that is fully determined: what it is called and what its bytes hash to."""

import re
from typing import Annotated

import msgspec

# Both end up in paths below the cache directory, so neither may be able to be a path.
_SHA256 = r"\A[0-9a-f]{64}\Z"
_FILE_NAME = r"\A[A-Za-z0-9_][A-Za-z0-9_.+!-]*\Z"
Sha256 = Annotated[str, msgspec.Meta(pattern=_SHA256)]
FileName = Annotated[str, msgspec.Meta(pattern=_FILE_NAME)]


_MAX_FILE_NAME = 255
"""What file systems take."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A package file that is accepted with exactly one content.

    Attributes:
        name: The distribution's canonical name.
        version: Its version.
        file_name: The wheel or archive, without a directory.
        sha256: The only content that is accepted, as 64 hex digits.
    """

    name: str
    version: str
    file_name: FileName
    sha256: Sha256


class IndexPin(Pin, frozen=True, kw_only=True):
    """A file that the package index named, with the hash that it gave.

    Only the index may deliver it: other sources have builds of their own under the
    same file name.
    """


def canonical_name(name: str) -> str:
    """Return the one spelling under which a distribution is filed.

    Args:
        name: A distribution's name as somebody spells it.

    Source: the packaging specification «Names and normalization».
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def is_sha256(text: str) -> bool:
    """Say whether a text is a SHA-256 sum as a `Pin` has it.

    Args:
        text: What somebody gives for one.
    """
    return re.match(_SHA256, text) is not None


def is_file_name(text: str) -> bool:
    """Say whether a text can be the file name of a `Pin`.

    Args:
        text: What somebody gives for one.
    """
    return re.match(_FILE_NAME, text) is not None and len(text) <= _MAX_FILE_NAME
