"""When a memory image is the right one, and whole."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runt_worker._command import Image, Installation
from runt_worker._image import (
    discard,
    forget_unused,
    image_place,
    is_whole,
    mark_used,
    write_record,
)

DAY_S = 24 * 3600


@pytest.fixture
def image(tmp_path: Path) -> Image:
    image = Image(directory=tmp_path / "image")
    image.directory.mkdir()
    image.memory.write_bytes(b"memory" * 1000)
    write_record(image)
    return image


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    assets = tmp_path / "assets"
    for path in ("deno/guest.ts", "kernel/runt_kernel/_kernel.py", "kernel_lock.json"):
        (assets / path).parent.mkdir(parents=True, exist_ok=True)
        (assets / path).write_text(path)
    (tmp_path / "deno").write_text("deno")
    return Installation(
        deno=tmp_path / "deno",
        assets=assets,
        distribution=tmp_path / "pyodide",
        packages=tmp_path / "unpacked",
    )


def test_an_image_is_whole_as_it_was_made(image: Image) -> None:
    assert is_whole(image)


def truncate(image: Image) -> None:
    os.truncate(image.memory, 100)


def flip_a_bit(image: Image) -> None:
    with image.memory.open("r+b") as file:
        file.seek(500)
        file.write(b"X")


def flip_a_bit_and_set_the_time_back(image: Image) -> None:
    before = image.memory.stat()
    flip_a_bit(image)
    os.utime(image.memory, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove_memory(image: Image) -> None:
    image.memory.unlink()


def tear_record(image: Image) -> None:
    record = image.directory / "record"
    record.write_text(record.read_text()[:20])


def empty_record(image: Image) -> None:
    (image.directory / "record").write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_bit,
        flip_a_bit_and_set_the_time_back,
        remove_memory,
        tear_record,
        empty_record,
        discard,
    ],
)
def test_a_damaged_image_is_not_whole(
    image: Image, damage: Callable[[Image], None]
) -> None:
    damage(image)
    assert not is_whole(image)


def test_what_is_not_there_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(Image(directory=tmp_path / "none"))


def test_a_copy_with_other_times_is_hashed_once(image: Image) -> None:
    data = image.memory.read_bytes()
    image.memory.unlink()
    image.memory.write_bytes(data)
    record = (image.directory / "record").read_text()
    assert is_whole(image)
    assert (image.directory / "record").read_text() != record
    assert sorted(path.name for path in image.directory.iterdir()) == [
        "memory",
        "record",
    ]


def test_an_image_belongs_to_all_that_it_was_made_of(
    tmp_path: Path, installation: Installation
) -> None:
    def place() -> Path:
        return image_place(tmp_path, installation).directory

    places = {place()}
    assert image_place(tmp_path, installation).directory in places
    for path in installation.assets.rglob("*.*"):
        path.write_text("another version")
        places.add(place())
    (installation.assets / "kernel" / "runt_kernel" / "_new.py").write_text("")
    places.add(place())
    installation.deno.write_text("a newer deno")
    places.add(place())
    for field in ("distribution", "packages"):
        other = replace(installation, **{field: tmp_path / "other"})
        places.add(image_place(tmp_path, other).directory)
    assert len(places) == 8
    assert {path.parent for path in places} == {tmp_path / "images"}


def used_ago(directory: Path, seconds: float) -> None:
    (directory / "deno").mkdir(parents=True)
    then = time.time() - seconds
    os.utime(directory, (then, then))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_what_nobody_has_used_for_long_is_forgotten(tmp_path: Path) -> None:
    for name in ("old", "used", "new"):
        used_ago(tmp_path / name, 0 if name == "new" else 40 * DAY_S)
    mark_used(Image(directory=tmp_path / "used"))
    forget_unused(tmp_path)
    assert names(tmp_path) == {"used", "new"}


def test_only_the_last_ones_are_kept_and_what_may_be_in_use(tmp_path: Path) -> None:
    for number in range(6):
        used_ago(tmp_path / str(number), (number + 1) * DAY_S)
    forget_unused(tmp_path)
    assert names(tmp_path) == {"0", "1", "2", "3"}
    for number in range(6):
        used_ago(tmp_path / f"busy {number}", number)
    forget_unused(tmp_path)
    assert names(tmp_path) == {f"busy {number}" for number in range(6)}
