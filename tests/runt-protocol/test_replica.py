from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from runt_protocol import (
    CellCreatedV2,
    CellSourceChanged,
    Confirmed,
    EncodedEvent,
    EventTooLargeError,
    Inline,
    InvalidEventError,
    Limits,
    LoggedEvent,
    MultimediaDisplayOutputAdded,
    NotebookTitleChanged,
    Phase,
    Received,
    Replica,
    ReusedIdError,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    StoredEvent,
    TerminalOutputAppendedV2,
    UsageError,
    WireError,
    encode_event,
    materialize,
)
from runt_protocol._messages import PullReq, PullRes, PushReq
from runt_protocol._wire_v03 import decode_message, encode_message
from runt_protocol.events import Capabilities, Event
from runt_protocol.testing import SimulatedNetwork

CAPABILITIES = Capabilities(
    can_execute_code=True, can_execute_sql=False, can_execute_ai=False
)


def replica(name: str = "a") -> Replica:
    return Replica(client_id=name, session_id=f"session-{name}")


def cell(cell_id: str = "c") -> CellCreatedV2:
    return CellCreatedV2(
        id=cell_id, fractional_index="m", cell_type="code", created_by="u"
    )


def source(text: str) -> CellSourceChanged:
    return CellSourceChanged(id="c", source=text, modified_by="u")


def append(delta: str, delta_id: str = "d") -> TerminalOutputAppendedV2:
    return TerminalOutputAppendedV2(
        id=delta_id, output_id="o", delta=delta, sequence_number=1
    )


def logged(event: Event | EncodedEvent, number: int, client: str = "x") -> LoggedEvent:
    encoded = event if isinstance(event, EncodedEvent) else encode_event(event)
    return LoggedEvent(
        name=encoded.name,
        args_text=encoded.args_text,
        seq_num=number,
        parent_seq_num=number - 1,
        client_id=client,
        session_id=f"session-{client}",
    )


def live(*events: LoggedEvent) -> Replica:
    one = replica()
    one.connection_opened(0.0)
    answer_pull(one, *events)
    return one


def answer_pull(one: Replica, *events: LoggedEvent) -> list[Any]:
    (request_id,) = [
        message.request_id
        for message in map(decode_message, one.data_to_send())
        if isinstance(message, PullReq)
    ]
    return one.receive_text(pull_res(events, "pull", request_id), 0.0)


def broadcast(one: Replica, *events: LoggedEvent) -> list[Any]:
    return one.receive_text(pull_res(events, "push", "r"), 0.0)


def pull_res(events: tuple[LoggedEvent, ...], context: Any, request_id: str) -> str:
    batch = tuple(StoredEvent(event=event, created_at=None) for event in events)
    answer = PullRes(batch=batch, context=context, request_id=request_id, remaining=0)
    return encode_message(answer)


def source_of(one: Replica) -> str:
    return one.state.cells["c"].source


def test_a_commit_shows_at_once_and_is_confirmed_later() -> None:
    network = SimulatedNetwork([replica("a"), replica("b")])
    one, other = network.replicas
    tickets = one.commit(cell(), source("1"))
    assert source_of(one) == "1"
    assert one.pending_count == 2
    assert not one.synced
    assert not any(map(one.is_confirmed, tickets))
    network.settle()
    assert all(map(one.is_confirmed, tickets))
    assert one.phase is Phase.LIVE
    assert source_of(other) == "1"
    assert one.state.tables() == other.state.tables()


def test_a_foreign_event_goes_before_the_pending_ones() -> None:
    one = live(logged(cell(), 1))
    one.commit(source("own"))
    (update,) = broadcast(one, logged(source("foreign"), 2))
    assert isinstance(update, Received)
    assert source_of(one) == "own"
    (push,) = map(decode_message, one.data_to_send())
    assert isinstance(push, PushReq)
    assert push.batch[0].seq_num == 3
    (update,) = broadcast(one, push.batch[0])
    assert isinstance(update, Confirmed)
    assert source_of(one) == "own"


def test_own_and_foreign_events_in_one_answer() -> None:
    one = live(logged(cell(), 1))
    one.commit(source("own 1"), NotebookTitleChanged(title="own"), source("own 2"))
    one.connection_lost(0.0, jitter=0.0)
    one.connection_opened(0.0)
    answer_pull(
        one,
        logged(cell(), 1),
        logged(source("own 1"), 2, "a"),
        logged(source("foreign"), 3),
        logged(NotebookTitleChanged(title="own"), 4, "a"),
    )
    assert source_of(one) == "own 2"
    assert one.pending_count == 1
    log = [
        cell(),
        source("own 1"),
        source("foreign"),
        NotebookTitleChanged(title="own"),
    ]
    expected = materialize([encode_event(event) for event in [*log, source("own 2")]])
    assert one.state.tables() == expected


def test_a_server_may_spell_our_arguments_in_another_way() -> None:
    one = live()
    (ticket, _) = one.commit(append("x"), NotebookTitleChanged(title="pending"))
    echo = logged(append("x"), 1, "a")
    respelled = replace(echo, args_text=(echo.args_text or "").replace(":", " : "))
    broadcast(one, respelled)
    assert one.is_confirmed(ticket)
    assert one.pending_count == 1
    assert one.skipped_count == 0
    pending = encode_event(NotebookTitleChanged(title="pending"))
    assert one.state.tables() == materialize([respelled, pending])


def test_the_state_shows_the_servers_order_of_keys() -> None:
    def display(*mime_types: str) -> MultimediaDisplayOutputAdded:
        return MultimediaDisplayOutputAdded(
            id="o",
            cell_id="c",
            position=0,
            representations={mime_type: Inline(data=1) for mime_type in mime_types},
        )

    one = live()
    one.commit(display("text/plain", "text/html"))
    moved = logged(display("text/html", "text/plain"), 1, "a")
    before = one.state.tables()
    broadcast(one, moved)
    assert one.pending_count == 0
    assert one.state.tables() == materialize([moved])
    assert one.state.tables() != before


def test_the_state_shows_what_the_others_read() -> None:
    one = live()
    exact = datetime(2026, 1, 1, 0, 0, 0, 123456, UTC)
    renewal = RuntimeSessionRenewal(session_id="s", renewed_at=exact, valid_for_ms=1)
    started = RuntimeSessionStarted(
        session_id="s", runtime_id="r", runtime_type="t", capabilities=CAPABILITIES
    )
    one.commit(started, renewal)
    tables = one.state.tables()
    assert tables == materialize([encode_event(started), encode_event(renewal)])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("v1.NotebookTitleChanged", '{"title":1}'),
        ("v1.NotebookTitleChanged", None),
        ("v2.TerminalOutputAppended", encode_event(append("again")).args_text),
        ("v9.FromTheFuture", "{}"),
    ],
)
def test_an_event_that_cannot_be_carried_out_is_skipped_and_reported(
    name: str, args: str | None
) -> None:
    one = live(logged(append("once"), 1))
    bad = logged(EncodedEvent(name=name, args_text=args), 2)
    broadcast(one, bad, logged(cell(), 3))
    assert one.head == 3
    assert "c" in one.state.cells
    (skipped,) = one.skipped
    assert skipped.event == bad
    assert skipped.reason
    assert one.skipped_count == 1


def test_a_flood_of_bad_events_is_counted_but_not_kept() -> None:
    one = Replica(client_id="a", session_id="s", limits=Limits(max_skipped_events=2))
    one.connection_opened(0.0)
    bad = EncodedEvent(name="v1.Debug", args_text="1")
    answer_pull(one, *(logged(bad, number) for number in range(1, 6)))
    assert [skipped.event.seq_num for skipped in one.skipped] == [4, 5]
    assert one.skipped_count == 5


def test_an_event_is_refused_before_it_is_shown() -> None:
    one = live(logged(cell(), 1))
    before = one.state.tables()
    poison = NotebookTitleChanged(title=None)  # type: ignore[arg-type] # on purpose
    with pytest.raises(InvalidEventError):
        one.commit(source("1"), poison)
    with pytest.raises(ReusedIdError):
        one.commit(source("1"), append("x"), append("y"))
    with pytest.raises(EventTooLargeError):
        one.commit(source("1"), source("x" * 900_000))
    assert one.state.tables() == before
    assert one.pending_count == 0


def test_an_own_event_whose_id_was_taken_meanwhile() -> None:
    one = live(logged(cell(), 1))
    one.commit(append("own"), source("own"))
    broadcast(one, logged(append("foreign"), 2))
    assert source_of(one) == "own"
    assert [row["delta"] for row in one.state.tables()["output_deltas"]] == ["foreign"]
    # A further rebase finds it not applied.
    broadcast(one, logged(source("foreign"), 3))
    assert source_of(one) == "own"
    (push,) = map(decode_message, one.data_to_send())
    assert isinstance(push, PushReq)
    broadcast(one, *push.batch)
    assert one.pending_count == 0
    assert [skipped.event.seq_num for skipped in one.skipped] == [4]
    assert source_of(one) == "own"


def test_it_is_driven_like_a_sync_client() -> None:
    one = live()
    with pytest.raises(UsageError):
        one.connection_opened(0.0)
    with pytest.raises(WireError):
        one.receive_text("junk", 0.0)
    assert one.last_error is None
    assert one.close_reason is None
    deadline = one.next_deadline()
    assert deadline > 0.0
    one.handle_timeout(deadline)
    assert one.close_reason is not None
    one.connection_lost(deadline, jitter=1.0)
    assert one.phase is Phase.OFFLINE
    assert one.next_deadline() > deadline
