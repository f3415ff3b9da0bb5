"""Made-up bytes for the frame decoder, and made-up calls for files.

Always the same ones; ``--fuzz-inputs 10000000`` of pytest makes up more of them.
"""

import errno
import hashlib
import os
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from runt_vfs import open_host_directory
from runt_worker import GuestProtocolError
from runt_worker._calls import Answer, Call, decode_call, dispatch
from runt_worker._file_calls import ANSWERERS, FileCalls
from runt_worker._frames import FrameDecoder, encode_frame
from runt_worker._replies import decode_received

SEED: Final = 20261126
MAX_FRAME_BYTES: Final = 64 * 1024

MESSAGES: Final[tuple[tuple[dict[str, Any], bytes], ...]] = (
    ({"msg_type": "ready", "restored": True}, b""),
    ({"msg_type": "stream", "name": "stdout"}, "text, tëxt".encode()),
    ({"msg_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}}, b""),
    (
        {
            "msg_type": "execute_result",
            "data": {"text/html": "<b>"},
            "metadata": {},
            "execution_count": 3,
        },
        b"",
    ),
    ({"msg_type": "error", "ename": "E", "evalue": "v", "traceback": ["E: v"]}, b""),
    ({"msg_type": "clear_output", "wait": False}, b""),
    ({"msg_type": "execute_reply", "status": "ok", "execution_count": 1}, b""),
    (
        {
            "msg_type": "complete_reply",
            "matches": ["a"],
            "cursor_start": 0,
            "cursor_end": 1,
            "metadata": {},
        },
        b"",
    ),
    (
        {
            "msg_type": "input_request",
            "question": 1,
            "prompt": "?",
            "password": False,
        },
        b"",
    ),
    ({"msg_type": "fatal", "reason": "x"}, b""),
)

NASTY: Final[list[Any]] = [
    *(0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400),
    *(0.5, -1e308, 1e400, float("nan"), None, True, False, "", "x" * 5000),
    *([], {}, [[1]] * 9, {"a": {"b": None}}, "\0", "\ud800", "../" * 40),
]
"""What a field may be set to; some of it is no JSON, which is a case of its own."""

NAMES: Final = ("a", "b", "d", "link", "many", "ä", "-", ".", "..", "", "e" * 255)
PATHS: Final = (
    *("/etc/passwd", "../secret", "d/../../secret", "link/secret", "a\0b", "\uf7ff"),
    *("//", "d//a", "x" * 5000, "/".join(["d"] * 500), "\udc80", "d/", "a" * 256),
)
MORE_THAN_A_PAGE: Final = 5000
METHODS: Final = sorted(ANSWERERS)
FIELDS: Final[dict[str, Callable[["Calls"], Any]]] = {
    "path": lambda calls: calls.path(),
    "new_path": lambda calls: calls.path(),
    "target": lambda calls: calls.path(),
    "access": lambda calls: calls.rng.randrange(3),
    "append": lambda calls: calls.rng.random() < 0.2,
    "ahead": lambda calls: [calls.path() for _ in range(calls.rng.randrange(4))],
    "mode": lambda calls: calls.rng.choice([0o600, 0o777, 0o4777, 0]),
    "size": lambda calls: calls.rng.choice([0, 1, 5000, 2**40]),
    "atime": lambda calls: calls.rng.uniform(-1e12, 1e13),
    "mtime": lambda calls: calls.rng.uniform(-1e12, 1e13),
    "listing": lambda calls: calls.listing(),
    "handle": lambda calls: calls.handle(),
    "handles": lambda calls: [calls.handle() for _ in range(calls.rng.randrange(4))],
    "offset": lambda calls: calls.rng.choice([0, 0, 1, 4096, 2**40]),
    "length": lambda calls: calls.rng.choice([0, 1, 4096, 100_000]),
}
"""What a field of a call usually is."""


@pytest.fixture
def inputs(pytestconfig: pytest.Config) -> int:
    return pytestconfig.option.fuzz_inputs


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Return bytes that differ a little, or much."""
    changed = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 2, 8])):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 1:
                del changed[at : at + rng.randrange(1, 9)]
            case 2:
                changed[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 3:
                changed[at:at] = changed[: rng.randrange(len(changed) + 1)]
            case 4:
                length = struct.pack("<I", rng.choice([0, 3, 4, 2**16, 2**32 - 1]))
                changed[at : at + 4] = length
            case _:
                changed[at:at] = rng.choice([b"[", b'{"a":', b'"', b"\xff", b"\0"]) * 50
    return bytes(changed)


def streams(rng: random.Random) -> Iterator[bytes]:
    """Yield what a sandbox might send at a time."""
    while True:
        if rng.random() < 0.1:
            yield rng.randbytes(rng.randrange(200))
            continue
        frames: list[bytes] = []
        for _ in range(rng.randrange(1, 4)):
            content, tail = rng.choice(MESSAGES)
            message: dict[str, Any] = {"request": 1, "content": {**content}}
            if rng.random() < 0.3:
                place = rng.choice([message, message["content"]])
                place[rng.choice([*place])] = rng.choice(NASTY)
            head = (
                msgspec.json.encode(message, enc_hook=str) if _is_json(message) else b""
            )
            if rng.random() < 0.2:
                head = mutated(rng, head)
            frames.append(encode_frame(head, tail))
        data = b"".join(frames)
        yield mutated(rng, data) if rng.random() < 0.5 else data


def _is_json(message: object) -> bool:
    try:
        msgspec.json.encode(message)
    except (UnicodeEncodeError, OverflowError):
        return False
    return True


def test_whatever_comes_is_messages_or_the_documented_error(inputs: int) -> None:
    rng = random.Random(SEED)  # noqa: S311 - no secret
    outcomes = Counter[str]()
    source = streams(rng)
    for _ in range(inputs):
        data = next(source)
        decoder = FrameDecoder(MAX_FRAME_BYTES)
        cut = rng.randrange(len(data) + 1)
        try:
            for part in (data[:cut], data[cut:]):
                for frame in decoder.receive_data(part):
                    decode_received(frame)
                    outcomes["message"] += 1
        except GuestProtocolError:
            outcomes["refusal"] += 1
    # Neither are they all refused before anything is looked at, nor all taken.
    assert min(outcomes["message"], outcomes["refusal"]) > inputs // 10, outcomes


class Calls:
    """Makes up calls, some of them on files that earlier ones have opened."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._handles: list[int] = []
        self._listing = 0

    def frame(self) -> bytes:
        """Return one call as the guest would send it."""
        rng = self.rng
        method = rng.choice(METHODS)
        kind = ANSWERERS[method].kind
        parameters: dict[str, Any] = {"mount": int(rng.random() < 0.8)}
        for field in msgspec.structs.fields(kind):
            if field.name in FIELDS and (field.required or rng.random() < 0.3):
                parameters[field.name] = FIELDS[field.name](self)
        if rng.random() < 0.15:
            parameters[rng.choice([*parameters, "other"])] = rng.choice(NASTY)
        if rng.random() < 0.05:
            del parameters[rng.choice([*parameters])]
        call = {"id": 1, "method": method, "parameters": parameters}
        head = msgspec.json.encode(call) if _is_json(call) else b"{"
        if rng.random() < 0.1:
            head = mutated(rng, head)
        return encode_frame(head, rng.randbytes(rng.choice([0, 10, 1000])))

    def path(self) -> str:
        """Return a path that may exist, or one that should not be understood."""
        if self.rng.random() < 0.15:
            return self.rng.choice(PATHS)
        return "/".join(self.rng.choices(NAMES[:6], k=self.rng.choice([1, 1, 2, 3])))

    def handle(self) -> int:
        """Return the handle of a file that is open, or was, or never will be."""
        if not self._handles or self.rng.random() < 0.1:
            return self.rng.choice([-1, 0, 999_999, 2**62])
        return self.rng.choice(self._handles[-20:])

    def listing(self) -> int:
        """Return the number of a listing that was begun, or will be."""
        return self._listing + self.rng.randrange(2)

    def learn(self, answer: Answer) -> None:
        """Remember what was opened."""
        if "handle" in answer.head:
            self._handles.append(answer.head["handle"])
        self._listing = answer.head.get("more") or self._listing


def test_no_call_for_files_leaves_its_mount_or_fails_in_us(
    tmp_path: Path, inputs: int
) -> None:
    outside, readable, writable = (tmp_path / name for name in ("out", "ro", "rw"))
    outside.mkdir()
    (outside / "secret").write_text("secret")
    for mount in (readable, writable):
        (mount / "d").mkdir(parents=True)
        (mount / "a").write_text("content")
        (mount / "d" / "b").write_bytes(bytes(100_000))
    (readable / "link").symlink_to(outside)
    (readable / "many").mkdir()
    for number in range(MORE_THAN_A_PAGE):
        (readable / "many" / str(number)).touch()
    before = fingerprint(readable), fingerprint(outside)
    with (
        open_host_directory(readable) as first,
        open_host_directory(writable, allow_writes=True) as second,
    ):
        files = FileCalls([first, second])
        try:
            answered = answer_calls(files, inputs)
        finally:
            files.close()
    assert (fingerprint(readable), fingerprint(outside)) == before
    root = Path(os.path.realpath(writable))
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(folder, name)  # `resolve` raises where links go round
            assert Path(os.path.realpath(path)).is_relative_to(root), path
    # Every kind of call was understood and granted now and then.
    assert set(answered) == set(METHODS)
    assert sum(answered.values()) > inputs // 20, answered


def answer_calls(files: FileCalls, count: int) -> Counter[str]:
    """Answer made-up calls; return how many of each kind were granted."""
    calls = Calls(random.Random(SEED))  # noqa: S311 - no secret
    answer_to = dispatch(files.handlers())
    granted = Counter[str]()
    for _ in range(count):
        for call in understood(calls.frame()):
            answer = answer_to(call)
            code = answer.head.get("code")
            assert code is None or code in errno.errorcode.values(), (call, code)
            assert b"secret" not in answer.tail
            if code is None:
                granted[call.method] += 1
                calls.learn(answer)
    return granted


def understood(data: bytes) -> list[Call]:
    """Return the calls in what a guest sent; none if its kernel would be ended."""
    try:
        frames = FrameDecoder(MAX_FRAME_BYTES).receive_data(data)
        return [decode_call(frame.head, memoryview(frame.tail)) for frame in frames]
    except GuestProtocolError:
        return []


def fingerprint(tree: Path) -> dict[str, tuple[object, ...]]:
    """Return what would show any change below a directory."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (tree, *tree.rglob("*")):
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        target = path.readlink() if path.is_symlink() else ""
        found[str(path)] = (
            *(seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_nlink, target),
            hashlib.sha256(content).hexdigest(),
        )
    return found
