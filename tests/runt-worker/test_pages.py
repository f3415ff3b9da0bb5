"""Large reads: the bytes go through a pipe, and are the same by every way."""

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runt_vfs import HostDirectory, _system, open_host_directory
from runt_worker._calls import Answer, Call
from runt_worker._file_calls import FileCalls
from runt_worker._pages import PIPE_BYTES

SIZE = 3 * PIPE_BYTES + 12_345
CONTENT = bytes(range(251)) * (SIZE // 251 + 1)


@pytest.fixture
def directory(tmp_path: Path) -> Generator[HostDirectory]:
    (tmp_path / "large").write_bytes(CONTENT[:SIZE])
    with open_host_directory(tmp_path) as directory:
        yield directory


def ask(calls: FileCalls, method: str, **parameters: Any) -> Answer:
    raw = msgspec.Raw(msgspec.json.encode({"mount": 0, **parameters}))
    return calls(Call(id=1, method=method, parameters=raw))


def bytes_of(answer: Answer) -> bytes:
    """Return what the guest would get of an answer."""
    received = b""
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    pages = answer.pages
    while pages:
        try:
            pages.send(sender)
        except BlockingIOError:
            received += os.read(receiver, PIPE_BYTES)
    os.close(sender)
    while data := os.read(receiver, PIPE_BYTES):
        received += data
    os.close(receiver)
    return received + answer.tail


@pytest.mark.parametrize("can_splice", [True, False])
@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, PIPE_BYTES),
        (4096, PIPE_BYTES),
        (4095, PIPE_BYTES),  # as many pages as fit, and a part of one more
        (1, 65536),
        (7, 65535),
        (0, SIZE),
        (SIZE - 70_000, 100_000),
        (SIZE, 100_000),
        (SIZE + 9, 100_000),
    ],
)
def test_reads_of_any_size_and_place(
    directory: HostDirectory,
    monkeypatch: pytest.MonkeyPatch,
    can_splice: bool,  # noqa: FBT001 - a parameter of the test
    offset: int,
    length: int,
) -> None:
    monkeypatch.setattr(_system, "CAN_SPLICE", can_splice and _system.CAN_SPLICE)
    calls = FileCalls([directory])
    handle = ask(calls, "open", path="large", access=0, append=False).head["handle"]
    answer = ask(calls, "read", handle=handle, offset=offset, length=length)
    assert bytes_of(answer) == CONTENT[offset : min(offset + length, SIZE)]
    calls.close()


@pytest.mark.skipif(sys.platform != "linux", reason="splice is Linux's")
def test_an_answer_that_nobody_took_is_forgotten(directory: HostDirectory) -> None:
    calls = FileCalls([directory])
    handle = ask(calls, "open", path="large", access=0, append=False).head["handle"]
    dropped = ask(calls, "read", handle=handle, offset=0, length=300_000)
    assert dropped.pages
    answer = ask(calls, "read", handle=handle, offset=500_000, length=300_000)
    assert bytes_of(answer) == CONTENT[500_000:800_000]
    calls.close()


def test_a_closed_session_holds_nothing(directory: HostDirectory) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    calls = FileCalls([directory])
    opened = [
        ask(calls, "open", path="large", access=0, append=False, ahead=["large"])
        for _ in range(9)
    ]
    handles = [handle for a in opened for handle in (a.head["handle"], a.head["ahead"])]
    assert len(handles) == 18
    ask(calls, "read", handle=opened[0].head["handle"], offset=0, length=300_000)
    calls.close()
    assert len(list(Path("/dev/fd").iterdir())) == before
    other = FileCalls([directory])
    handle = opened[0].head["handle"]
    assert ask(other, "fstat", handle=handle).head == {"code": "EBADF"}


def test_listings_come_in_parts(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / str(number)).touch()
    with open_host_directory(tmp_path) as directory:
        calls = FileCalls([directory])
        page = ask(calls, "readdir", path="").head
        names = [name for name, _ in page["entries"]]
        while page["more"] is not None:
            page = ask(calls, "readdir_more", listing=page["more"]).head
            names += [name for name, _ in page["entries"]]
        assert sorted(names, key=int) == [str(number) for number in range(10_000)]
        assert ask(calls, "readdir_more", listing=1).head == {"code": "EINVAL"}
        begun = [ask(calls, "readdir", path="").head["more"] for _ in range(20)]
        assert ask(calls, "readdir_more", listing=begun[0]).head == {"code": "EINVAL"}
        assert ask(calls, "readdir_more", listing=begun[-1]).head["entries"]
        calls.close()
