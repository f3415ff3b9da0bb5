"""Calls over real FIFOs; a thread, or nobody, plays the guest."""

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from runt_worker import GuestProtocolError
from runt_worker._calls import Answer, Call, CallServer, Handler, dispatch
from runt_worker._frames import Frame, FrameDecoder, encode_frame

WAIT_S = 10.0


class Guest:
    """The other end of both FIFOs."""

    def __init__(self, request_path: Path, reply_path: Path) -> None:
        self._requests = os.open(request_path, os.O_RDWR)
        self._replies = os.open(reply_path, os.O_RDWR)
        self._decoder = FrameDecoder(1024 * 1024)

    def send(self, data: bytes) -> None:
        os.write(self._requests, data)

    def call(self, call_id: int, method: str = "echo", **parameters: Any) -> None:
        call = {"id": call_id, "method": method, "parameters": parameters}
        self.send(encode_frame(msgspec.json.encode(call)))

    def answers(self, count: int) -> list[dict[str, Any]]:
        heads = [frame.head for frame in self.frames(count)]
        return [msgspec.json.decode(head, type=dict[str, Any]) for head in heads]

    def frames(self, count: int) -> list[Frame]:
        frames: list[Frame] = []
        while len(frames) < count:
            frames += self._decoder.receive_data(os.read(self._replies, 4096))
        return frames

    def room(self) -> int:
        if sys.platform != "linux":
            return 65536
        return fcntl.fcntl(self._replies, fcntl.F_GETPIPE_SZ)

    def close(self) -> None:
        os.close(self._requests)
        os.close(self._replies)


Serve = Callable[[Handler], tuple[CallServer, Guest, "Future[None]"]]


@pytest.fixture
def serve(tmp_path: Path) -> Generator[Serve]:
    """Start a server with a handler; it is stopped at the end of the test."""
    paths = tmp_path / "call-request", tmp_path / "call-reply"
    for path in paths:
        os.mkfifo(path)
    guest = Guest(*paths)
    servers: list[CallServer] = []
    with ThreadPoolExecutor(1) as executor:

        def start(handler: Handler) -> tuple[CallServer, Guest, Future[None]]:
            server = CallServer(*paths, handler)
            servers.append(server)
            return server, guest, executor.submit(server.serve)

        try:
            yield start
        finally:
            for server in servers:
                server.stop()
    guest.close()


def echo(call: Call) -> Answer:
    parameters = msgspec.json.decode(call.parameters, type=dict[str, Any])
    return Answer({"method": call.method, **parameters}, bytes(call.tail[::-1]))


def call_of(method: str = "echo", **parameters: Any) -> Call:
    raw = msgspec.Raw(msgspec.json.encode(parameters))
    return Call(id=1, method=method, parameters=raw)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


class Slow:
    """A handler that waits to be let go."""

    def __init__(self) -> None:
        self.begun = Event()
        self.may_end = Event()

    def __call__(self, call: Call) -> Answer:
        if call.method == "slow":
            self.begun.set()
            assert self.may_end.wait(WAIT_S)
        return echo(call)


def test_calls_are_answered_in_order_and_by_id(serve: Serve) -> None:
    _, guest, _ = serve(echo)
    for number in range(1, 4):
        guest.call(number, text="grün")
    assert guest.answers(3) == [
        {"id": number, "method": "echo", "text": "grün"} for number in range(1, 4)
    ]


def test_bytes_travel_beside_a_call_and_its_answer(serve: Serve) -> None:
    _, guest, _ = serve(echo)
    guest.send(encode_frame(b'{"id":1,"method":"m","parameters":{}}', b"\xff\x00abc"))
    assert guest.frames(1)[0].tail == b"cba\x00\xff"


def test_who_does_not_wait_gets_no_answer(serve: Serve) -> None:
    _, guest, _ = serve(echo)
    guest.call(0)
    guest.call(1)
    assert guest.answers(1) == [{"id": 1, "method": "echo"}]


def test_each_method_has_its_own_handler_or_does_not_exist() -> None:
    handle = dispatch({"echo": echo})
    assert handle(call_of(a=1)).head == {"method": "echo", "a": 1}
    assert handle(call_of("other")).head == {"code": "ENOSYS"}


def test_a_call_may_come_in_pieces(serve: Serve) -> None:
    _, guest, _ = serve(echo)
    frame = encode_frame(b'{"id":1,"method":"m","parameters":{}}')
    guest.send(frame[:7])
    guest.send(frame[7:])
    assert guest.answers(1) == [{"id": 1, "method": "m"}]


def test_an_interrupt_ends_the_call_and_its_late_answer_is_dropped(
    serve: Serve,
) -> None:
    slow = Slow()
    server, guest, _ = serve(slow)
    guest.call(1, "slow")
    assert slow.begun.wait(WAIT_S)
    server.interrupt()
    server.interrupt()  # the second one has nothing left to end
    assert guest.answers(1) == [{"id": 1, "code": "EINTR"}]
    guest.call(2)
    slow.may_end.set()
    assert guest.answers(1) == [{"id": 2, "method": "echo"}]


def test_what_an_interrupted_call_did_for_its_caller_is_undone(serve: Serve) -> None:
    slow, undone = Slow(), Event()
    server, guest, _ = serve(lambda call: slow(call)._replace(undo=undone.set))
    guest.call(1, "slow")
    assert slow.begun.wait(WAIT_S)
    server.interrupt()
    slow.may_end.set()
    assert undone.wait(WAIT_S)
    undone.clear()
    guest.call(2)
    assert [answer["id"] for answer in guest.answers(2)] == [1, 2]
    assert not undone.is_set()


def test_an_interrupt_between_calls_does_nothing(serve: Serve) -> None:
    server, guest, _ = serve(echo)
    server.interrupt()
    guest.call(1)
    assert guest.answers(1) == [{"id": 1, "method": "echo"}]


def test_an_interrupt_does_not_wait_for_a_guest_that_reads_nothing(
    serve: Serve,
) -> None:
    slow = Slow()
    server, guest, _ = serve(slow)
    fifo_bytes, page_bytes = guest.room(), 4096
    empty = encode_frame(
        msgspec.json.encode({"id": 1, **echo(call_of(padding="")).head})
    )
    for _ in range(fifo_bytes // page_bytes):
        guest.call(1, padding="x" * (page_bytes - len(empty)))
    guest.call(2, "slow")
    assert slow.begun.wait(WAIT_S)
    interrupting = threading.Thread(target=server.interrupt)
    interrupting.start()
    interrupting.join(1)
    waited = interrupting.is_alive()
    slow.may_end.set()
    server.stop()
    interrupting.join()
    assert not waited


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 16,
        encode_frame(b"hello"),
        encode_frame(b'{"id":1}'),
        encode_frame(b'{"id":"1","method":"m","parameters":{}}'),
        encode_frame(b'{"id":1,"method":"m","parameters":[]}'),
        encode_frame(b'{"id":1,"method":"\xff","parameters":{}}'),
        encode_frame(b'{"id":%d,"method":"m","parameters":{}}' % 2**53),
        encode_frame(b'{"id":1,"method":"m","parameters":' + b'{"a":' * 100_000),
    ],
    ids=[
        "length out of bounds",
        "no JSON",
        "no method",
        "id no number",
        "parameters no object",
        "not UTF-8",
        "id too large",
        "nested too deep",
    ],
)
def test_garbage_ends_the_service(serve: Serve, garbage: bytes) -> None:
    _, guest, served = serve(echo)
    sender = threading.Thread(target=guest.send, args=(garbage,), daemon=True)
    sender.start()
    with pytest.raises(GuestProtocolError):
        served.result(WAIT_S)


def test_a_guest_that_never_reads_does_not_hold_the_stop(serve: Serve) -> None:
    server, guest, served = serve(echo)
    for _ in range(guest.room() // 7_000 + 2):
        guest.call(1, padding="x" * 7_000)
    server.stop()
    served.result(WAIT_S)


def test_stop_lets_go_of_every_descriptor(tmp_path: Path) -> None:
    paths = tmp_path / "call-request", tmp_path / "call-reply"
    for path in paths:
        os.mkfifo(path)
    before = open_descriptors()
    server = CallServer(*paths, echo)
    with ThreadPoolExecutor(1) as executor:
        served = executor.submit(server.serve)
        server.stop()
        served.result(WAIT_S)
    server.stop()
    server.interrupt()
    assert open_descriptors() == before


def test_a_server_that_never_served_lets_go_of_them_too(tmp_path: Path) -> None:
    paths = tmp_path / "call-request", tmp_path / "call-reply"
    for path in paths:
        os.mkfifo(path)
    before = open_descriptors()
    server = CallServer(*paths, echo)
    server.stop()
    assert open_descriptors() == before
    server.serve()  # too late: it returns at once
