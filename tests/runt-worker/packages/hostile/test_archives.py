"""One case an attack. Each must be refused, and nothing may appear outside."""

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runt_worker._packages import ArchiveError
from runt_worker._packages._archives import ArchiveLimits, unpack_archive


def refused(archive: Path, limits: ArchiveLimits | None = None) -> str:
    """Unpack, expect the refusal, and see that nothing left the directory."""
    out = archive.parent / "deep" / "out"
    before = {path for path in archive.parent.rglob("*") if out not in path.parents}
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(archive, out, limits)
    after = {path for path in archive.parent.rglob("*") if out not in path.parents}
    assert after - before <= {out, out.parent}
    assert caught.value.archive == archive.name
    return caught.value.reason


def zip_of(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # A ZipInfo keeps the name as it is; alone it would mean: not compressed.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "a/..",
        "/evil",
        "//evil",
        "..\\evil",
        "C:\\evil",
        "C:/evil",
        "C:evil",
        "file:stream",
        "\\\\host\\share\\evil",
        "x-1.data/purelib/../../evil",
        "x-1.data/purelib//../evil",
    ],
)
@pytest.mark.parametrize("kind", ["x-1-py3-none-any.whl", "x.zip"])
def test_zip_member_that_leaves_its_directory(
    tmp_path: Path, name: str, kind: str
) -> None:
    assert "outside" in refused(zip_of(tmp_path / kind, (name, b"evil")))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:\\evil"])
def test_tar_member_that_leaves_its_directory(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as opened:
        info = tarfile.TarInfo(name)
        info.size = 4
        opened.addfile(info, io.BytesIO(b"evil"))
    assert "outside" in refused(archive)


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK]
)
def test_zip_member_that_is_a_special_file(tmp_path: Path, kind: int) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        info = zipfile.ZipInfo("link")
        info.external_attr = (kind | 0o777) << 16
        opened.writestr(info, "../evil")
    assert "special file" in refused(archive)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_tar_member_that_is_a_special_file(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as opened:
        info = tarfile.TarInfo("link")
        info.type = kind
        info.linkname = "../evil"
        opened.addfile(info)
    assert "special file" in refused(archive)


def test_zip_bomb_of_one_file(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", ("zeros", bytes(1 << 20)))
    limits = ArchiveLimits(max_bytes=1 << 19)
    assert "more than" in refused(archive, limits)
    assert not (tmp_path / "deep" / "out" / "zeros").exists()


def test_zip_bomb_of_many_files(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", *((str(i), b"") for i in range(11)))
    assert "more than 10 files" in refused(archive, ArchiveLimits(max_members=10))


def test_zip_member_that_is_longer_than_it_says(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", ("zeros", bytes(5000)))
    data = archive.read_bytes()
    # The sizes in the local header and in the central directory.
    archive.write_bytes(data.replace(struct.pack("<L", 5000), struct.pack("<L", 50)))
    assert refused(archive)
    assert (tmp_path / "deep" / "out" / "zeros").stat().st_size <= 50


def test_zip_member_that_is_shorter_than_it_says(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", ("zeros", bytes(5000)))
    data = archive.read_bytes()
    archive.write_bytes(data.replace(struct.pack("<L", 5000), struct.pack("<L", 6000)))
    assert "too early" in refused(archive)


def test_zip_member_without_a_name(tmp_path: Path) -> None:
    assert "no name" in refused(zip_of(tmp_path / "x.zip", (".", b"evil")))


def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zip_of(tmp_path / "x.zip", ("a.py", b"good"), ("a.py", b"evil"))
    assert "in the way" in refused(archive)


def test_a_name_that_comes_twice_through_purelib(tmp_path: Path) -> None:
    archive = zip_of(
        tmp_path / "x-1-py3-none-any.whl",
        ("a.py", b"good"),
        ("x-1.data/purelib/a.py", b"evil"),
    )
    assert "in the way" in refused(archive)


def test_a_file_that_others_take_for_a_directory(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", ("a", b"file"), ("a/b", b"below it"))
    assert "in the way" in refused(archive)


def test_a_directory_that_others_take_for_a_file(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", ("a/b", b"below it"), ("a", b"file"))
    assert "in the way" in refused(archive)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flip(data: bytes) -> bytes:
    middle = data.index(b"spam.py") + 20
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def _encrypt(data: bytes) -> bytes:
    # Bit 0 of the flags, in the local header and in the central directory.
    central = data.rindex(b"PK\x01\x02")
    flags = bytearray(data)
    flags[6] |= 1
    flags[central + 8] |= 1
    return bytes(flags)


def _empty(_: bytes) -> bytes:
    return b""


def _replace(_: bytes) -> bytes:
    return b"no archive" * 99


@pytest.mark.parametrize("damage", [_cut, _flip, _encrypt, _empty, _replace])
def test_a_broken_zip(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    content = bytes(range(256)) * 8
    archive = zip_of(tmp_path / "x.zip", ("spam.py", content))
    archive.write_bytes(damage(archive.read_bytes()))
    assert refused(archive)


def test_a_broken_tar(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as opened:
        info = tarfile.TarInfo("spam.py")
        info.size = 2000
        opened.addfile(info, io.BytesIO(bytes(2000)))
    archive.write_bytes(archive.read_bytes()[:1000])
    assert refused(archive)
    archive.write_bytes(b"no archive" * 99)
    assert refused(archive)
