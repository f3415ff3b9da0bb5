import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._packages._archives import unpack_archive


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tree_of(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_wheel_is_unpacked_as_it_is(tmp_path: Path) -> None:
    files = {
        "spam/__init__.py": b"x = 1\n",
        "spam-1.0.dist-info/RECORD": b"",
        "a": b"b",
    }
    archive = write_zip(tmp_path / "spam-1.0-py3-none-any.whl", files)
    sizes = unpack_archive(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == files
    assert sizes == {name: len(content) for name, content in files.items()}


def test_a_wheels_data_directories_go_where_they_belong(tmp_path: Path) -> None:
    files = {
        "spam-1.0.data/purelib/pure.py": b"1",
        "spam-1.0.data/platlib/deep/plat.so": b"22",
        "spam-1.0.data/scripts/spam": b"left out",
        "spam-1.0.data/headers/spam.h": b"left out",
        "spam-1.0.data/data/share/spam": b"left out",
        "other.data": b"a file, no directory",
    }
    archive = write_zip(tmp_path / "spam-1.0-py3-none-any.whl", files)
    unpack_archive(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {
        "pure.py": b"1",
        "deep/plat.so": b"22",
        "other.data": b"a file, no directory",
    }


def test_directories_are_made_as_they_are_needed(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "libx.zip", {"a/": b"", "b/c/": b"", "b/d": b"1"})
    assert unpack_archive(archive, tmp_path / "out") == {"b/d": 1}
    assert tree_of(tmp_path / "out") == {"b/d": b"1"}


def test_another_zip_keeps_such_names(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "libx-1.0.zip", {"a.data/purelib/b": b"1"})
    unpack_archive(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"a.data/purelib/b": b"1"}


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".tar", bytes),
        (".tar.gz", gzip.compress),
        (".tgz", gzip.compress),
        (".tar.xz", lzma.compress),
    ],
)
def test_a_tar_file_is_unpacked(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    archive = tmp_path / f"spam-tests{suffix}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        directory = tarfile.TarInfo("spam")
        directory.type = tarfile.DIRTYPE
        opened.addfile(directory)
        info = tarfile.TarInfo("spam/tests/test_x.py")
        info.size = 4
        opened.addfile(info, io.BytesIO(b"test"))
    archive.write_bytes(compress(buffer.getvalue()))
    assert unpack_archive(archive, tmp_path / "out") == {"spam/tests/test_x.py": 4}
    assert tree_of(tmp_path / "out") == {"spam/tests/test_x.py": b"test"}


@given(
    st.dictionaries(
        st.text(st.sampled_from("abcXYZ-_. é"), min_size=1, max_size=8)
        .map(lambda name: f"{name}x")
        .filter(lambda name: name.casefold() == name),
        st.binary(max_size=64),
        max_size=6,
    )
)
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    archive = write_zip(folder / "any.zip", files)
    unpack_archive(archive, folder / "out")
    assert tree_of(folder / "out") == files
