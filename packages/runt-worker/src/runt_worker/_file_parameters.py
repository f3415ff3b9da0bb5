"""What the guest may say in its calls for files: exact types, each number in bounds."""

from typing import Annotated

import msgspec

MAX_READ_BYTES = 4 * 1024 * 1024
"""Of one read; it bounds the memory that an answer takes."""

_MAX_AHEAD = 64
"""Files opened along with one: as many come before the guest has used them up."""

_MAX_CLOSED = 1024
"""Files closed by one call: no mount has more open."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=-(2.0**53), le=2.0**53)]
"""A time since 1970, as far as a number of JavaScript counts whole ones."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What every call names: the number of a mount."""

    mount: Count


class OfPath(Parameters, frozen=True, kw_only=True):
    path: str


class Open(OfPath, frozen=True, kw_only=True):
    """A file, and names beside it that are opened for reading along with it."""

    access: Annotated[int, msgspec.Meta(ge=0, le=2)]
    append: bool
    ahead: Annotated[list[str], msgspec.Meta(max_length=_MAX_AHEAD)] = []


class MakeDirectory(OfPath, frozen=True, kw_only=True):
    mode: Count


class Rename(OfPath, frozen=True, kw_only=True):
    new_path: str


class Symlink(OfPath, frozen=True, kw_only=True):
    target: str


class SetAttributes(OfPath, frozen=True, kw_only=True):
    """What is absent stays."""

    mode: Count | None = None
    size: Count | None = None
    atime: Milliseconds | None = None
    mtime: Milliseconds | None = None


class ListMore(Parameters, frozen=True, kw_only=True):
    """The rest of a listing, by the number that its last part named."""

    listing: int


class OfHandle(Parameters, frozen=True, kw_only=True):
    handle: int


class Close(Parameters, frozen=True, kw_only=True):
    handles: Annotated[list[int], msgspec.Meta(max_length=_MAX_CLOSED)]


class Read(OfHandle, frozen=True, kw_only=True):
    offset: Count
    length: Annotated[int, msgspec.Meta(ge=0, le=MAX_READ_BYTES)]


class Write(OfHandle, frozen=True, kw_only=True):
    offset: Count


class Truncate(OfHandle, frozen=True, kw_only=True):
    size: Count
