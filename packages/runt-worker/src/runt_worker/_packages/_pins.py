"""A file that is fully determined: what it is called and what its bytes hash to."""

import re
from typing import Annotated

import msgspec

# Both end up in paths below the cache directory, so neither may be able to be a path.
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.+!-]*\Z")]


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


def canonical_name(name: str) -> str:
    """Return the one spelling under which a distribution is filed.

    Args:
        name: A distribution's name as somebody spells it.

    Source: the packaging specification «Names and normalization».
    """
    return re.sub(r"[-_.]+", "-", name).lower()
