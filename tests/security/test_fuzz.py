"""What reads the bytes of the sandbox, given any: `--fuzz N` for more than 100,000.

The inputs are mutations of what a guest would send, by a seed: a failure comes again.
"""

import json
import os
import random
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pytest

from runt_vfs import open_host_directory
from runt_worker import GuestProtocolError
from runt_worker._calls import Call, dispatch
from runt_worker._file_calls import ANSWERERS, FileCalls
from runt_worker._frames import FrameDecoder, encode_frame
from runt_worker._replies import Received, decode_received

SEED: Final = 5
MAX_FRAME_BYTES: Final = 4096
SECRET: Final = "canary-that-no-answer-may-hold"
REBUILT_AFTER: Final = 500
"""So many calls later hardly anything is left to attack in a writable mount."""

CONTENTS: list[dict[str, Any]] = [
    {"msg_type": "stream", "name": "stdout"},
    {"msg_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}},
    {"msg_type": "execute_reply", "status": "ok", "execution_count": 1},
    {"msg_type": "execute_reply", "status": "error", "execution_count": 2},
    {"msg_type": "error", "ename": "E", "evalue": "v", "traceback": ["é\x1b[0m"]},
    {"msg_type": "clear_output", "wait": True},
    {"msg_type": "input_request", "question": 1, "prompt": "?", "password": False},
    {"msg_type": "complete_reply", "matches": [], "cursor_start": 0, "cursor_end": 0},
    {"msg_type": "ready", "restored": True},
    {"msg_type": "fatal", "reason": "x"},
]
FRAMES: list[bytes] = [
    encode_frame(json.dumps({"request": number, "content": it}).encode(), b"\xc3\xa9")
    for number, it in enumerate(CONTENTS)
]
ODD_BYTES = [b"\x00" * 4, b"\xff" * 4, b"NaN", b"1e999", b"[" * 200, b'"', b"\xed\xa0"]


@pytest.fixture
def count(pytestconfig: pytest.Config) -> int:
    return cast("int", pytestconfig.getoption("--fuzz"))


def mutated(source: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randint(0, 3)):
        at = source.randrange(len(changed) + 1)
        match source.randrange(4):
            case 0:
                changed[at : at + 1] = source.randbytes(1)
            case 1:
                del changed[at : at + source.randint(1, 8)]
            case 2:
                changed[at:at] = source.choice(ODD_BYTES)
            case _:
                changed[at : at + 4] = source.randbytes(4)
    return bytes(changed)


def received(pieces: list[bytes]) -> tuple[list[Received], bool]:
    """Return the messages in a stream, and whether it ended by a refusal."""
    decoder, found = FrameDecoder(MAX_FRAME_BYTES), list[Received]()
    try:
        for piece in pieces:
            found += map(decode_received, decoder.receive_data(piece))
    except GuestProtocolError:
        return found, True
    return found, False


def test_any_stream_gives_messages_or_a_refusal_however_it_is_cut(count: int) -> None:
    source = random.Random(SEED)  # noqa: S311 - it need not be secret
    refusals = 0
    for _ in range(count):
        frames = source.choices(FRAMES, k=source.randint(1, 3))
        data = mutated(source, b"".join(frames))
        cut = source.randrange(len(data) + 1)
        whole, is_refused = received([data])
        pieces, is_refused_in_pieces = received([data[:cut], data[cut:]])
        assert is_refused == is_refused_in_pieces
        # What came before a refusal may have been handed out already, or not.
        common = min(len(whole), len(pieces)) if is_refused else len(whole)
        assert whole[:common] == pieces[:common]
        assert is_refused or len(whole) == len(pieces)
        refusals += is_refused
    assert 0 < refusals < count, "both happen, else this shows nothing"


PATHS: list[Any] = [
    *("", ".", "..", "/", "//", "file", "directory", "directory/inner", "new", "new/x"),
    *("out", "out_directory", "out_directory/secret", "in", "loop", "fifo", "dangling"),
    *("../outside/secret", "directory/../../outside/secret", "/proc/self/environ"),
    *("a" * 300, "a/" * 300, "\0", "file\0", "\uf7ff", "\ud800", "é", "e\u0301", "~"),
    *("directory/.", "./file", "file/", "..\\outside", "new\n", "*", 7, None, ["file"]),
]
NUMBERS: list[Any] = [
    *(0, 1, 2, 3, 5, 8, 64, 511, 4096, 65536, 4 << 20, 2**31, 2**32, 2**53, 2**63 - 1),
    *(-1, -(2**63), 2**63, 2**64, 2**70, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *(True, None, "1", [], {}),
]
LISTS: list[Any] = [[], [1], [1, 2, 3], ["file"], ["out", ".."], [0] * 2000, None, "x"]


def value(source: random.Random, name: str) -> Any:
    if source.random() < 0.03:
        return source.choice(source.choice([PATHS, NUMBERS, LISTS]))
    if name in {"path", "new_path", "target"}:
        return source.choice(PATHS)
    if name in {"ahead", "handles"}:
        return source.choice(LISTS)
    if name == "append":
        return source.choice([True, False])
    if name in {"mount", "access", "handle", "listing"}:
        return source.choice(NUMBERS[:6])
    return source.choice(NUMBERS)


def parameters(source: random.Random, method: str) -> bytes:
    fields = msgspec.structs.fields(ANSWERERS[method].kind)
    chosen = {
        it.name: value(source, it.name) for it in fields if source.random() > 0.02
    }
    text = json.dumps(chosen).encode()
    return mutated(source, text) if source.random() < 0.1 else text


@dataclass(frozen=True)
class Host:
    """A directory that may be written, one that may not, and what is around them."""

    root: Path

    def build(self) -> None:
        """Make of the writable directory what there is to attack, and no more."""
        free = self.root / "free"
        for path in free.iterdir():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            else:
                shutil.rmtree(path)
        (free / "directory").mkdir()
        for name in ("file", "directory/inner"):
            (free / name).write_text("x" * 100)
        for name, target in LINKS.items():
            (free / name).symlink_to(target)
        os.mkfifo(free / "fifo")

    def guarded(self) -> dict[str, tuple[object, ...]]:
        """Describe all that no call may change."""
        return {
            str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns)
            for part in ("outside", "guarded")
            for path in [self.root / part, *(self.root / part).rglob("*")]
        }


LINKS = {
    "out": "../outside/secret",
    "out_directory": "../outside",
    "in": "file",
    "loop": "loop",
    "dangling": "nowhere",
}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for name in ("free", "guarded", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    (tmp_path / "guarded" / "file").write_text("precious")
    (tmp_path / "guarded" / "directory").mkdir()
    (tmp_path / "guarded" / "directory" / "inner").write_text("precious")
    (tmp_path / "guarded" / "out").symlink_to("../outside/secret")
    return Host(tmp_path)


def test_the_writable_directory_is_built_again_whatever_became_of_it(
    host: Host,
) -> None:
    free = host.root / "free"
    host.build()
    built = {path.name: path.lstat().st_mode for path in free.rglob("*")}
    (free / "file").unlink()
    (free / "directory").rename(free / "file")
    (free / "in").rename(free / "directory")
    (free / "new").symlink_to("../outside")

    host.build()

    assert {path.name: path.lstat().st_mode for path in free.rglob("*")} == built
    assert (host.root / "outside" / "secret").read_text() == SECRET


@pytest.fixture
def calls(host: Host) -> Generator[FileCalls]:
    with (
        open_host_directory(host.root / "free", allow_writes=True) as free,
        open_host_directory(host.root / "guarded", allow_writes=False) as guarded,
    ):
        calls = FileCalls([free, guarded])
        yield calls
        calls.close()


def drained(answer: Any, null: int) -> str:
    """Return all of an answer as the guest would get it, but for pages."""
    while answer.pages:
        answer.pages.send(null)
    return msgspec.json.encode(answer.head).decode() + repr(bytes(answer.tail))


def test_any_call_for_files_is_answered_and_nothing_around_the_mounts_is_touched(
    host: Host, calls: FileCalls, count: int
) -> None:
    source = random.Random(SEED)  # noqa: S311 - it need not be secret
    methods = [it for it in ANSWERERS if it != "fsync"]  # slow, and asks little
    handle: Callable[[Call], Any] = dispatch(calls.handlers())
    before, null = host.guarded(), os.open(os.devnull, os.O_WRONLY)
    answered = 0
    for number in range(count):
        if number % REBUILT_AFTER == 0:
            host.build()
        method = source.choice(methods) if source.random() > 0.002 else "fsync"
        raw = msgspec.Raw(parameters(source, method))
        tail = memoryview(source.randbytes(source.choice([0, 1, 100])))
        call = Call(id=number, method=method, parameters=raw, tail=tail)
        answer = handle(call)
        assert SECRET not in drained(answer, null), (method, raw)
        answered += "code" not in answer.head
    os.close(null)
    assert host.guarded() == before
    assert (host.root / "outside" / "secret").read_text() == SECRET
    assert 0 < answered < count, "both happen, else this shows nothing"
