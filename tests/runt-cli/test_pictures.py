"""Pictures out of the sandbox: measured by their headers, saved under names of ours."""

import base64
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_cli._pictures import Picture, PictureFolder, find_picture

PNG = struct.pack(">8sI4sII", b"\x89PNG\r\n\x1a\n", 13, b"IHDR", 640, 480)
GIF = struct.pack("<6sHH", b"GIF89a", 20, 10)
JPEG_START = b"\xff\xd8" + b"\xff\xe0\x00\x04xx"
JPEG = JPEG_START + struct.pack(">BBHBHH", 0xFF, 0xC2, 17, 8, 300, 400) + b"rest"


def bundle(mime_type: str, data: bytes) -> dict[str, Any]:
    return {"text/plain": "<Figure>", mime_type: base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    ("mime_type", "data", "described"),
    [
        ("image/png", PNG, "image/png, 640 x 480 pixels"),
        ("image/gif", GIF, "image/gif, 20 x 10 pixels"),
        ("image/jpeg", JPEG, "image/jpeg, 400 x 300 pixels"),
        ("image/webp", b"RIFF" + b"." * 1996, "image/webp, 2,000 bytes"),
        # What says that it is something and is not.
        ("image/png", GIF + b"." * 20, "image/png, 30 bytes"),
        ("image/png", PNG[:20], "image/png, 20 bytes"),
        ("image/jpeg", JPEG_START, "image/jpeg, 8 bytes"),
        ("image/jpeg", JPEG_START + b"\xff\xc4", "image/jpeg, 10 bytes"),
    ],
)
def test_a_picture_says_what_it_is(mime_type: str, data: bytes, described: str) -> None:
    picture = find_picture(bundle(mime_type, data))
    assert picture is not None
    assert (picture.data, picture.describe()) == (data, described)


def test_svg_is_text() -> None:
    picture = find_picture({"image/svg+xml": "<svg>ü\ud800</svg>"})
    assert picture is not None
    assert picture.data.decode() == "<svg>ü?</svg>"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text/html": "<b>no picture</b>"},
        {"image/png": "a"},
        {"image/png": "ü"},
        {"image/png": ["a"]},
        {"image/png": ""},
    ],
)
def test_what_is_no_picture_is_none(data: dict[str, Any]) -> None:
    assert find_picture(data) is None


@given(st.sampled_from(["image/png", "image/gif", "image/jpeg"]), st.binary())
def test_no_bytes_are_too_odd(mime_type: str, data: bytes) -> None:
    for begin in (b"", PNG[:16], GIF[:6], JPEG_START):
        described = Picture(mime_type=mime_type, data=begin + data).describe()
        assert described.startswith(mime_type)


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "picture-1.png").write_bytes(b"older")
    (tmp_path / "picture-2.png").symlink_to(tmp_path / "elsewhere")
    folder = PictureFolder(tmp_path)
    picture = Picture(mime_type="image/png", data=PNG)
    saved = [folder.save(picture).name for _ in range(2)]
    assert saved == ["picture-3.png", "picture-4.png"]
    assert (tmp_path / "picture-1.png").read_bytes() == b"older"
    assert not (tmp_path / "elsewhere").exists()
