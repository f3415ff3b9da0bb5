"""What a cell prints, cut into messages: no character is torn, no byte is lost."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._distribution import ASSETS
from runt_worker.testing import SharedWorker, run_cell

TEXTS = st.text(st.sampled_from("aé€😀\n"), max_size=40)


def load_streams() -> Any:
    """Load the guest's module, which needs nothing of Pyodide."""
    path = ASSETS / "kernel" / "runt_kernel" / "_streams.py"
    spec = importlib.util.spec_from_file_location("guest_streams", path)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Small enough that every cut falls somewhere.
    module._SEND_BYTES, module._PIECE_BYTES = 8, 5  # noqa: SLF001
    return module


STREAMS = load_streams()


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size
    yield data[start:]


@given(out=TEXTS, err=TEXTS, sizes=st.lists(st.integers(0, 7)), flush=st.booleans())
def test_bytes_written_in_pieces_come_out_as_whole_characters(
    out: str, err: str, sizes: list[int], *, flush: bool
) -> None:
    sent: list[tuple[str, bytes]] = []

    def send(name: str, piece: bytes) -> None:
        sent.append((name, piece))

    streams = STREAMS.Streams(send)
    pieces = {"out": cut(out.encode(), sizes), "err": cut(err.encode(), sizes)}
    for _ in range(len(sizes) + 1):
        streams.out.buffer.write(next(pieces["out"]))
        streams.err.buffer.write(next(pieces["err"]))
        if flush:
            streams.show()  # as a tick does
    streams.end()
    # Each message is valid by itself: `decode` would raise.
    texts = [(name, data.decode()) for name, data in sent]
    assert "".join(text for name, text in texts if name == "stdout") == out
    assert "".join(text for name, text in texts if name == "stderr") == err
    assert all(0 < len(data) <= 5 for _, data in sent)


@given(data=st.binary(max_size=60), sizes=st.lists(st.integers(0, 7)))
def test_of_what_is_no_text_every_byte_comes_out_in_order(
    data: bytes, sizes: list[int]
) -> None:
    sent: list[bytes] = []

    def send(_name: str, piece: bytes) -> None:
        sent.append(piece)

    streams = STREAMS.Streams(send)
    for piece in cut(data, sizes):
        streams.out.buffer.write(piece)
        streams.show()
    streams.end()
    assert b"".join(sent) == data


@pytest.mark.parametrize("pause", ["", "time.sleep(0.12)"])
def test_a_character_written_byte_by_byte_is_shown_whole(
    sandbox: SharedWorker, pause: str
) -> None:
    code = f"""
import sys, time
for byte in "é€😀".encode():
    sys.stdout.buffer.write(bytes([byte]))
    {pause}
"""
    assert sandbox.call(run_cell, sandbox.worker, code).text() == "é€😀"


def test_half_a_character_at_the_end_is_shown_as_such(sandbox: SharedWorker) -> None:
    code = "import sys; n = sys.stdout.buffer.write('é'.encode()[:1])"
    assert (
        sandbox.call(run_cell, sandbox.worker, code).text()
        == "\N{REPLACEMENT CHARACTER}"
    )
