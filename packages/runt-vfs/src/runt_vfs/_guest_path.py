"""Paths as a guest spells them, proven to be harmless text."""

import errno
from dataclasses import dataclass
from typing import Self, final

from ._errors import LeavesMountError, LimitError, RequestError
from ._limits import DEFAULT_LIMITS, Limits


@final
@dataclass(frozen=True, init=False, slots=True, order=True)
class GuestPath:
    """A path that has been parsed: no NUL, no `.` or `..`, of bounded length.

    Only `parse` and `child` make one, so whoever holds a `GuestPath` holds the proof.
    It proves nothing about the disk: where its names lead is for the resolver.

    Attributes:
        is_absolute: Whether it is a virtual path (`/mnt/x/y`); else it is relative to
            the root of a mount.
        parts: Its names; empty for a root. Bytes that are no UTF-8 appear as lone
            surrogates, the way Python spells file names everywhere.
    """

    is_absolute: bool
    parts: tuple[str, ...]

    def __init__(self) -> None:
        raise TypeError("a GuestPath comes from GuestPath.parse")

    @classmethod
    def parse(cls, text: str, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read a path that a guest sent.

        `..` takes back the name before it, by the words alone. Guests have a kernel of
        their own that has dealt with links before it asks; nothing that is left here
        can climb.

        Args:
            text: The path. Empty or `.` is the root of a mount, `/` that of all.
            limits: What counts as too long.

        Raises:
            RequestError: EINVAL for a NUL, EILSEQ for text that no file name can spell.
            LimitError: ENAMETOOLONG for too many bytes or names.
            LeavesMountError: A relative path climbs above where it starts. An absolute
                one stays at `/`, as POSIX has it.
        """
        if "\0" in text:
            raise RequestError(errno.EINVAL)
        if len(encode_name(text)) > limits.max_path_bytes:
            raise LimitError(errno.ENAMETOOLONG, "This path is too long")
        absolute = text.startswith("/")
        parts: list[str] = []
        for name in text.split("/"):
            if name == "..":
                if not parts and not absolute:
                    raise LeavesMountError(text)
                del parts[-1:]
            elif name not in ("", "."):
                parts.append(name)
        if len(parts) > limits.max_components:
            raise LimitError(errno.ENAMETOOLONG, "This path has too many names")
        return cls._proven(absolute, tuple(parts))

    @property
    def is_root(self) -> bool:
        """Whether it names the root itself."""
        return not self.parts

    @property
    def parent(self) -> Self:
        """The directory that holds it; the root's is the root."""
        return self._proven(self.is_absolute, self.parts[:-1])

    def child(self, name: str) -> Self:
        """Return the path of an entry of this directory.

        Args:
            name: One name, such as a listing gives.

        Raises:
            RequestError: EINVAL if it is not one plain name, EILSEQ as for `parse`.
        """
        encode_plain_name(name)
        return self._proven(self.is_absolute, (*self.parts, name))

    def relative_to(self, count: int) -> Self:
        """Return what follows the first names, relative to the mount that they name.

        Args:
            count: How many names to leave out.
        """
        return self._proven(False, self.parts[count:])  # noqa: FBT003 - a field's value

    def below(self, parts: tuple[str, ...]) -> Self:
        """Return this path as an absolute one below other names.

        Args:
            parts: The names of the place, each from a `GuestPath` or a mount table.
        """
        return self._proven(True, parts + self.parts)  # noqa: FBT003 - a field's value

    def __str__(self) -> str:
        text = "/".join(self.parts)
        return f"/{text}" if self.is_absolute else text or "."

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return type(self).parse, (str(self),)

    @classmethod
    def _proven(cls, is_absolute: bool, parts: tuple[str, ...]) -> Self:  # noqa: FBT001
        path = object.__new__(cls)
        object.__setattr__(path, "is_absolute", is_absolute)
        object.__setattr__(path, "parts", parts)
        return path


def encode_name(text: str) -> bytes:
    """Return the bytes of a file name, whatever the locale of this process.

    Args:
        text: A name, with lone surrogates for bytes that are no UTF-8.

    Raises:
        RequestError: EILSEQ for a surrogate that stands for no byte.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise RequestError(errno.EILSEQ) from None


def encode_plain_name(text: str) -> bytes:
    """Return the bytes of what is one name and leads nowhere by itself.

    Args:
        text: The name, as for `encode_name`.

    Raises:
        RequestError: EINVAL if it is not one plain name, EILSEQ as `encode_name` does.
    """
    name = encode_name(text)
    if text in ("", ".", "..") or "/" in text or "\0" in text:
        raise RequestError(errno.EINVAL)
    return name


def decode_name(name: bytes) -> str:
    """Return a file name as guests see it.

    Args:
        name: The bytes that the host has.
    """
    return name.decode("utf-8", "surrogateescape")
