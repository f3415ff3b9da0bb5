"""Names of files on their way to the guest and back, over JSON."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runt_vfs import open_host_directory
from runt_worker._calls import Answer, Call
from runt_worker._file_calls import FileCalls

ODD_NAMES = [b"plain", b"no utf-8 \xff\xfe\x80", b"line\nbreak", b"\xe6\x97\xa5 \xc3"]


@pytest.fixture
def calls(tmp_path: Path) -> Generator[FileCalls]:
    with open_host_directory(tmp_path, allow_writes=True) as directory:
        yield FileCalls([directory])


def ask(calls: FileCalls, method: str, **parameters: Any) -> Answer:
    raw = msgspec.Raw(msgspec.json.encode({"mount": 0, **parameters}))
    answer = calls(Call(id=1, method=method, parameters=raw))
    # What JSON cannot carry would end the service.
    assert msgspec.json.decode(msgspec.json.encode(answer.head)) == answer.head
    return answer


def test_whatever_a_name_is_made_of_it_leads_back_to_its_file(
    calls: FileCalls, tmp_path: Path
) -> None:
    for name in ODD_NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    entries: list[list[Any]] = ask(calls, "readdir", path="").head["entries"]
    assert len(entries) == len(ODD_NAMES)
    found = {
        ask(calls, "open", path=name, access=0, append=False).tail
        for name, _ in entries
    }
    assert found == set(ODD_NAMES)


def test_odd_names_can_be_given_and_taken_away(
    calls: FileCalls, tmp_path: Path
) -> None:
    (tmp_path / "a").touch()
    ask(calls, "rename", path="a", new_path="b\uf7ff")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"b\xff"]
    ask(calls, "symlink", path="c", target="b\uf7ff")
    assert ask(calls, "readlink", path="c").head == {"target": "b\uf7ff"}
    ask(calls, "unlink", path="b\uf7ff")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize(
    "changes",
    [
        {"mtime": 1e300},
        {"atime": -1e300},
        {"mode": -1},
        {"size": 10**30},
        {"size": -1},
        {"mtime": "yesterday"},
    ],
)
def test_changes_out_of_all_bounds_are_refused(
    calls: FileCalls, tmp_path: Path, changes: dict[str, Any]
) -> None:
    (tmp_path / "a").write_text("text")
    before = (tmp_path / "a").stat()
    answer = ask(calls, "setattr", path="a", **changes)
    after = (tmp_path / "a").stat()
    assert answer.head == {"code": "EINVAL"}
    assert after == before
