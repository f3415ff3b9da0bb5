import os
import threading
from pathlib import Path

import pytest

from runt_vfs import OpenFlag, RequestError
from runt_vfs._handles import HandleTable


def test_a_file_stays_open_until_its_last_call_has_ended(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "b").write_bytes(b"other")
    table = HandleTable(8)
    handle = table.add(os.open(tmp_path / "a", os.O_RDONLY), OpenFlag.READ)
    with table.use(handle) as file:
        table.close(handle)
        # Were it closed, this one would get its number.
        other = os.open(tmp_path / "b", os.O_RDONLY)
        assert os.pread(file.descriptor, 9, 0) == b"mine"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file.descriptor)
    os.close(other)
    with pytest.raises(RequestError):
        table.close(handle)


def test_threads_never_meet_anothers_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "b").write_bytes(b"other")
    table = HandleTable(8)
    seen: set[bytes] = set()
    handles: list[int] = []

    def read() -> None:
        for _ in range(2_000):
            for handle in handles[-1:]:
                try:
                    with table.use(handle) as file:
                        seen.add(os.pread(file.descriptor, 9, 0))
                except RequestError:
                    seen.add(b"closed")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        handle = table.add(os.open(tmp_path / "a", os.O_RDONLY), OpenFlag.READ)
        handles.append(handle)
        table.close(handle)
        os.close(os.open(tmp_path / "b", os.O_RDONLY))
    assert b"other" not in seen


def test_closing_all(tmp_path: Path) -> None:
    table = HandleTable(2)
    descriptors = [os.open(tmp_path, os.O_RDONLY) for _ in range(2)]
    for descriptor in descriptors:
        table.add(descriptor, OpenFlag.READ)
    table.close_all()
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
