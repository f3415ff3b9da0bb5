"""Pictures that a cell displays: what they are, and files for what no terminal shows.

The bytes come out of the sandbox: they are measured by their headers, never decoded,
and the names of the files are ours.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

_SUFFIXES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "application/pdf": ".pdf",
}
"""What is saved, the best first."""

_TEXT_TYPES: Final = frozenset({"image/svg+xml"})
_PNG_HEADER: Final = struct.Struct(">8s4x4sII")
_JPEG_FRAME: Final = struct.Struct(">xHH")
# SOF0 to SOF15, without DHT, JPG and DAC, which lie between them.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture.

    Attributes:
        mime_type: What it says that it is.
        data: The contents of its file.
    """

    mime_type: str
    data: bytes

    def describe(self) -> str:
        """Say its type and size, in pixels where its header tells them."""
        size = _pixels(self.mime_type, self.data)
        if size is None:
            return f"{self.mime_type}, {len(self.data):,} bytes"
        return f"{self.mime_type}, {size[0]} x {size[1]} pixels"


def find_picture(bundle: Mapping[str, Any]) -> Picture | None:
    """Return the best picture of a display; None if there is none.

    Args:
        bundle: Values by MIME type, as a worker gives them.
    """
    for mime_type in _SUFFIXES:
        value = bundle.get(mime_type)
        if isinstance(value, str) and (data := _decoded(mime_type, value)):
            return Picture(mime_type=mime_type, data=data)
    return None


class PictureFolder:
    """Where pictures are saved."""

    def __init__(self, directory: Path | None) -> None:
        """Save to a directory.

        Args:
            directory: An existing one; None: a temporary one, made for the first
                picture, which stays when the command has ended.
        """
        self._directory = directory
        self._count = 0

    def save(self, picture: Picture) -> Path:
        """Write a picture to a new file and return its path.

        Raises:
            OSError: It cannot be written.
        """
        if self._directory is None:
            self._directory = Path(mkdtemp(prefix="runt-pictures-"))
        while True:
            self._count += 1
            name = f"picture-{self._count}{_SUFFIXES[picture.mime_type]}"
            path = self._directory / name
            try:
                # What is there stays, were it a link that a cell has planted.
                with path.open("xb") as file:
                    file.write(picture.data)
            except FileExistsError:
                continue
            return path


def _decoded(mime_type: str, value: str) -> bytes:
    if mime_type in _TEXT_TYPES:
        return value.encode("utf-8", "replace")
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""  # no picture


def _pixels(mime_type: str, data: bytes) -> tuple[int, int] | None:
    measure = _MEASURES.get(mime_type)
    try:
        return measure(data) if measure else None
    except (struct.error, IndexError):
        return None  # it ends before it says so


def _png_pixels(data: bytes) -> tuple[int, int] | None:
    """Source: PNG (third edition), 5.2 and 11.2.1."""
    signature, chunk, width, height = _PNG_HEADER.unpack_from(data)
    is_png = (signature, chunk) == (b"\x89PNG\r\n\x1a\n", b"IHDR")
    return (width, height) if is_png else None


def _gif_pixels(data: bytes) -> tuple[int, int] | None:
    """Source: GIF 89a, section 18."""
    signature, width, height = struct.unpack_from("<6sHH", data)
    return (width, height) if signature in {b"GIF87a", b"GIF89a"} else None


def _jpeg_pixels(data: bytes) -> tuple[int, int] | None:
    """Source: ITU-T T.81, annex B: segments up to the frame header."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while data[at] == 0xFF:  # noqa: PLR2004 (the first byte of every marker)
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _JPEG_FRAMES:
            height, width = _JPEG_FRAME.unpack_from(data, at + 4)
            return (width, height)
        at += 2 + length
    return None


_MEASURES: Final[Mapping[str, Callable[[bytes], tuple[int, int] | None]]] = {
    "image/png": _png_pixels,
    "image/gif": _gif_pixels,
    "image/jpeg": _jpeg_pixels,
}
