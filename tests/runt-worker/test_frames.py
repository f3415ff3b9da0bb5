"""Frames: what goes in comes out, however it was cut up, and bounds hold."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._errors import GuestProtocolError
from runt_worker._frames import Frame, FrameDecoder, encode_frame

MAX_FRAME_BYTES = 1000

frames = st.builds(Frame, st.binary(max_size=40), st.binary(max_size=40))


def encoded(sent: list[Frame]) -> bytes:
    return b"".join(encode_frame(frame.head, frame.tail) for frame in sent)


@given(st.lists(frames, max_size=8))
def test_decoding_undoes_encoding(sent: list[Frame]) -> None:
    assert FrameDecoder(MAX_FRAME_BYTES).receive_data(encoded(sent)) == sent


@given(st.lists(frames, max_size=8), st.data())
def test_splitting_the_input_changes_nothing(
    sent: list[Frame], data: st.DataObject
) -> None:
    stream = encoded(sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10).map(sorted))
    decoder = FrameDecoder(MAX_FRAME_BYTES)
    received: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += decoder.receive_data(stream[start:end])
    assert received == sent


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_the_documented_error(data: bytes) -> None:
    decoder = FrameDecoder(MAX_FRAME_BYTES)
    try:
        received = decoder.receive_data(data)
    except GuestProtocolError:
        return
    assert data.startswith(encoded(received))


def test_the_layout_is_the_one_of_the_typescript() -> None:
    # frames_test.ts holds the same bytes.
    assert encode_frame(b'{"a":1}', b"\x00\xff") == bytes.fromhex(
        "0d000000 07000000 7b2261223a317d 00ff"
    )


@pytest.mark.parametrize("length", [0, 3, MAX_FRAME_BYTES + 1, 2**32 - 1])
def test_a_length_out_of_bounds_is_refused_before_the_rest_comes(length: int) -> None:
    with pytest.raises(GuestProtocolError, match=f"a frame of {length} bytes"):
        FrameDecoder(MAX_FRAME_BYTES).receive_data(struct.pack("<I", length))


def test_the_largest_frame_is_taken() -> None:
    tail = bytes(MAX_FRAME_BYTES - 4)
    [frame] = FrameDecoder(MAX_FRAME_BYTES).receive_data(encode_frame(b"", tail))
    assert frame.tail == tail


def test_a_head_longer_than_its_frame_is_refused() -> None:
    with pytest.raises(GuestProtocolError, match="head longer than its frame"):
        FrameDecoder(MAX_FRAME_BYTES).receive_data(struct.pack("<IIb", 5, 2, 0))


def test_a_large_frame_is_read_to_its_place_in_any_pieces() -> None:
    head, tail = b'{"id":1}', bytes(range(256)) * 1000
    stream = io.BytesIO(encode_frame(head, tail) * 2)
    decoder = FrameDecoder(1 << 20)
    for _ in range(2):
        assert decoder.receive_data(stream.read(1000)) == []
        assert decoder.missing() == len(encode_frame(head, tail)) - 1000
        found = decoder.receive_rest(lambda place: stream.readinto(place[:777]))
        assert (found[0], bytes(found[1])) == (head, tail)
        assert decoder.missing() == 0


def test_a_large_frame_with_a_head_longer_than_itself() -> None:
    frame = struct.pack("<II", 100_000, 200_000)
    decoder = FrameDecoder(1 << 20)
    assert decoder.receive_data(frame) == []
    with pytest.raises(GuestProtocolError):
        decoder.receive_rest(len)
