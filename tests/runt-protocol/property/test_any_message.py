"""Any message in any state ends in a legal state or a documented error."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from runt_protocol import (
    Limits,
    LoggedEvent,
    NotebookTitleChanged,
    OtherLogError,
    Phase,
    Replica,
    StoredEvent,
    UsageError,
    WireError,
    WireV04,
)
from runt_protocol._messages import PullAck, PullReq, PullRes, PushAck, PushReq
from runt_protocol._wire_v03 import decode_message, encode_message
from runt_protocol.testing import MemoryServer, messages, messages_v04

WIRE_V04 = WireV04("store")
IDS = st.sampled_from(["own", "session:1", "session:2", "session:3", "session"])
FRAMES = messages(max_number=5, ids=IDS).map(encode_message)
STEPS = st.one_of(
    FRAMES.map(lambda frame: ("receive", frame)),
    st.tuples(st.just("receive"), st.text(max_size=20)),
    st.tuples(st.sampled_from(["open", "lose", "commit", "send", "wait"]), st.just("")),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_a_client_bears_anything(steps: list[tuple[str, str]]) -> None:
    replica = Replica(client_id="own", session_id="session")
    now = 0.0
    head = 0
    last: LoggedEvent | None = None
    for step, text in steps:
        if step == "wait":
            now = max(now, replica.next_deadline())
        with suppress(WireError, UsageError, OtherLogError):
            last = take(replica, step, text, now) or last
        assert replica.head >= head
        head = replica.head
    # Whatever it was told, a new connection to a sane server works.
    if replica.phase is not Phase.OFFLINE:
        replica.connection_lost(now, jitter=0.5)
    replica.connection_opened(now)
    pull = check_frames(replica.data_to_send())[0]
    assert isinstance(pull, PullReq)
    replica.receive_text(encode_message(sane_answer(pull, last)), now)
    for message in check_frames(replica.data_to_send()):
        assert isinstance(message, PushReq)
        ack = encode_message(PushAck(request_id=message.request_id))
        replica.receive_text(ack, now)
    assert replica.pending_count == 0


def sane_answer(pull: PullReq, last: LoggedEvent | None) -> PullRes:
    """Answer as a server does whose log ends with what the client has of it."""
    return PullRes(
        batch=() if last is None else (StoredEvent(event=last, created_at=None),),
        context="pull",
        request_id=pull.request_id,
        remaining=0,
        backend_id=pull.backend_id or "",
    )


def take(replica: Replica, step: str, text: str, now: float) -> LoggedEvent | None:
    """Do a step; return the last event of the log if it has brought any."""
    match step:
        case "receive":
            updates = replica.receive_text(text, now)
            return updates[-1].event if updates else None
        case "open":
            replica.connection_opened(now)
        case "lose":
            replica.connection_lost(now, jitter=0.5)
        case "commit":
            replica.commit(NotebookTitleChanged(title="x"))
        case "send":
            check_frames(replica.data_to_send())
        case _:
            replica.handle_timeout(now)
    return None


def check_frames(frames: list[str]) -> list[object]:
    return [decode_message(frame) for frame in frames]


ROOM_STEPS = st.one_of(
    st.tuples(st.sampled_from("ab"), FRAMES),
    st.tuples(st.sampled_from("ab"), st.text(max_size=20)),
    st.tuples(st.sampled_from(["open", "close"]), st.sampled_from("ab")),
    st.tuples(st.sampled_from(["store", "fail", "read"]), st.just("")),
)


@settings(deadline=None)
@given(st.lists(ROOM_STEPS, max_size=40))
def test_a_room_bears_anything(steps: list[tuple[str, str]]) -> None:
    server = MemoryServer(Limits(max_waiting_pulls=1, pull_chunk_events=1))
    play(server, steps)
    for frames in server.frames.values():
        check_frames(list(frames))


def play(server: MemoryServer, steps: list[tuple[str, str]]) -> None:
    is_open = set[str]()
    for step, argument in [("open", "a"), ("open", "b"), *steps]:
        match step:
            case "open" if argument not in is_open:
                server.connect(argument)
                is_open.add(argument)
            case "close" if argument in is_open:
                server.disconnect(argument)
                is_open.remove(argument)
            case "store" if server.appends:
                server.store_next()
            case "fail" if server.appends:
                server.fail_to_store()
            case "read" if server.reads:
                server.read_next(next(iter(server.reads)), 2)
            case "a" | "b" if step in is_open:
                server.receive(step, argument)
            case _:
                pass
        assert server.room.head == len(server.log)
    server.settle()
    numbers = [stored.event.seq_num for stored in server.log]
    assert numbers == list(range(1, len(numbers) + 1))


V04_IDS = st.sampled_from(["1", "2", "3", "4", "5"])
V04_FRAMES = messages_v04(
    max_number=5, ids=V04_IDS, client_ids=st.sampled_from(["own", "session"])
).map(lambda message: WIRE_V04.encode(message) or "")
V04_STEPS = st.one_of(
    V04_FRAMES.map(lambda frame: ("receive", frame)),
    st.tuples(st.just("receive"), st.text(max_size=20)),
    st.tuples(st.sampled_from(["open", "lose", "commit", "send", "wait"]), st.just("")),
)


@settings(deadline=None)
@given(st.lists(V04_STEPS, max_size=25))
def test_a_client_of_04_bears_anything(steps: list[tuple[str, str]]) -> None:
    replica = Replica(client_id="own", session_id="session")
    replica.use_wire(WIRE_V04)
    now = 0.0
    last: LoggedEvent | None = None
    for step, text in steps:
        if step == "wait":
            now = max(now, replica.next_deadline())
        head = replica.head
        with suppress(WireError, UsageError, OtherLogError):
            if step == "send":
                list(map(WIRE_V04.decode, replica.data_to_send()))
            else:
                last = take(replica, step, text, now) or last
        assert replica.head >= head
    if replica.phase is not Phase.OFFLINE:
        replica.connection_lost(now, jitter=0.5)
    replica.connection_opened(now)
    pull = WIRE_V04.decode(replica.data_to_send()[0])
    assert isinstance(pull, PullReq)
    replica.receive_text(WIRE_V04.encode(sane_answer(pull, last)) or "", now)
    for message in map(WIRE_V04.decode, replica.data_to_send()):
        if isinstance(message, PushReq):
            ack = PushAck(request_id=message.request_id)
            replica.receive_text(WIRE_V04.encode(ack) or "", now)
        else:
            assert isinstance(message, PullAck)
    assert replica.pending_count == 0


V04_ROOM_STEPS = st.one_of(
    st.tuples(st.sampled_from("ab"), V04_FRAMES),
    st.tuples(st.sampled_from("ab"), st.text(max_size=20)),
    st.tuples(st.sampled_from(["open", "close"]), st.sampled_from("ab")),
    st.tuples(st.sampled_from(["store", "fail", "read"]), st.just("")),
)


@settings(deadline=None)
@given(st.lists(V04_ROOM_STEPS, max_size=40))
def test_a_room_bears_anything_of_04(steps: list[tuple[str, str]]) -> None:
    server = MemoryServer(Limits(max_waiting_pulls=1, pull_chunk_events=1), WIRE_V04)
    play(server, steps)
    for frames in server.frames.values():
        list(map(WIRE_V04.decode, frames))
