"""Any message in any state ends in a legal state or a documented error."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from runt_protocol import (
    WIRE_V03,
    Limits,
    LoggedEvent,
    NotebookTitleChanged,
    OtherLogError,
    Phase,
    Replica,
    StoredEvent,
    UsageError,
    Wire,
    WireError,
    WireV04,
)
from runt_protocol._messages import PullAck, PullReq, PullRes, PushAck, PushReq
from runt_protocol._wire_v03 import encode_message
from runt_protocol.testing import MemoryServer, messages, messages_v04

WIRE_V04 = WireV04("store")
V03_IDS = st.sampled_from(["own", "session:1", "session:2", "session:3", "session"])
V04_IDS = st.sampled_from(["1", "2", "3", "4", "5"])
V03_FRAMES = messages(max_number=5, ids=V03_IDS).map(encode_message)
V04_FRAMES = messages_v04(
    max_number=5, ids=V04_IDS, client_ids=st.sampled_from(["own", "session"])
).map(lambda message: WIRE_V04.encode(message) or "")

Steps = list[tuple[str, str]]


def client_steps(frames: st.SearchStrategy[str]) -> st.SearchStrategy[Steps]:
    happenings = st.sampled_from(["open", "lose", "commit", "send", "wait"])
    step = st.one_of(
        frames.map(lambda frame: ("receive", frame)),
        st.tuples(st.just("receive"), st.text(max_size=20)),
        st.tuples(happenings, st.just("")),
    )
    return st.lists(step, max_size=25)


@settings(deadline=None)
@given(client_steps(V03_FRAMES))
def test_a_client_bears_anything(steps: Steps) -> None:
    check_client(WIRE_V03, steps)


@settings(deadline=None)
@given(client_steps(V04_FRAMES))
def test_a_client_of_04_bears_anything(steps: Steps) -> None:
    check_client(WIRE_V04, steps)


def check_client(wire: Wire, steps: Steps) -> None:
    replica = Replica(client_id="own", session_id="session")
    replica.use_wire(wire)
    now = 0.0
    head = 0
    last: LoggedEvent | None = None
    for step, text in steps:
        if step == "wait":
            now = max(now, replica.next_deadline())
        with suppress(WireError, UsageError, OtherLogError):
            last = take(replica, wire, step, text, now) or last
        assert replica.head >= head
        head = replica.head
    # Whatever it was told, a new connection to a sane server works.
    if replica.phase is not Phase.OFFLINE:
        replica.connection_lost(now, jitter=0.5)
    replica.connection_opened(now)
    pull = wire.decode(replica.data_to_send()[0])
    assert isinstance(pull, PullReq)
    replica.receive_text(wire.encode(sane_answer(pull, last)) or "", now)
    for message in map(wire.decode, replica.data_to_send()):
        if isinstance(message, PushReq):
            ack = PushAck(request_id=message.request_id)
            replica.receive_text(wire.encode(ack) or "", now)
        else:
            assert isinstance(message, PullAck)
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


def take(
    replica: Replica, wire: Wire, step: str, text: str, now: float
) -> LoggedEvent | None:
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
            list(map(wire.decode, replica.data_to_send()))
        case _:
            replica.handle_timeout(now)
    return None


def room_steps(frames: st.SearchStrategy[str]) -> st.SearchStrategy[Steps]:
    step = st.one_of(
        st.tuples(st.sampled_from("ab"), frames),
        st.tuples(st.sampled_from("ab"), st.text(max_size=20)),
        st.tuples(st.sampled_from(["open", "close"]), st.sampled_from("ab")),
        st.tuples(st.sampled_from(["store", "fail", "read"]), st.just("")),
    )
    return st.lists(step, max_size=40)


@settings(deadline=None)
@given(room_steps(V03_FRAMES))
def test_a_room_bears_anything(steps: Steps) -> None:
    check_room(WIRE_V03, steps)


@settings(deadline=None)
@given(room_steps(V04_FRAMES))
def test_a_room_bears_anything_of_04(steps: Steps) -> None:
    check_room(WIRE_V04, steps)


def check_room(wire: Wire, steps: Steps) -> None:
    server = MemoryServer(Limits(max_waiting_pulls=1, pull_chunk_events=1), wire)
    play(server, steps)
    for frames in server.frames.values():
        for frame in frames:
            wire.decode(frame)


def play(server: MemoryServer, steps: Steps) -> None:
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
