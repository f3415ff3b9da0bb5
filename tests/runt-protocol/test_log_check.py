"""A client that finds another log in place of the one that it has followed."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

import runt_protocol._messages as msg
from runt_protocol import (
    WIRE_V03,
    EncodedEvent,
    Limits,
    LoggedEvent,
    OtherLogError,
    Received,
    StoredEvent,
    SyncClient,
    Wire,
    WireV04,
)

WIRES: list[Wire] = [WIRE_V03, WireV04("store")]
SHORT = Limits().short_logs_until_giving_up


def logged(number: int, title: str = "x", session: str = "theirs") -> LoggedEvent:
    return LoggedEvent(
        name="v1.NotebookTitleChanged",
        args_text=f'{{"title":"{title}"}}',
        seq_num=number,
        parent_seq_num=number - 1,
        client_id="client",
        session_id=session,
    )


OWN = EncodedEvent(name="v1.NotebookTitleChanged", args_text='{"title":"own"}')


class Driver:
    """A client that is connected again and again."""

    def __init__(self, wire: Wire = WIRE_V03, cursor: int = 0) -> None:
        self.wire = wire
        self.client = SyncClient(
            client_id="client", session_id="own", cursor=cursor, wire=wire
        )
        self.open()

    def open(self) -> None:
        self.client.connection_opened(0.0)
        self.pull = next(m for m in self.sent() if isinstance(m, msg.PullReq))

    def reconnect(self) -> None:
        self.client.connection_lost(0.0, jitter=0.0)
        self.open()

    def sent(self) -> Sequence[msg.Message]:
        return [self.wire.decode(frame) for frame in self.client.data_to_send()]

    def receive(self, message: msg.Message) -> list[int]:
        updates = self.client.receive_text(self.wire.encode(message) or "", 0.0)
        return [update.event.seq_num for update in updates]

    def answer(self, *events: LoggedEvent, remaining: int = 0) -> list[int]:
        return self.receive(
            msg.PullRes(
                batch=tuple(StoredEvent(event=e, created_at=None) for e in events),
                context="pull",
                request_id=self.pull.request_id,
                remaining=remaining,
                backend_id="log",
            )
        )

    def refuse(self, why: msg.LogTooShort | msg.OtherLog) -> None:
        request_id = self.pull.request_id
        self.receive(msg.ErrorRes(request_id=request_id, message=str(why), cause=why))


@pytest.fixture(params=WIRES, ids=lambda wire: wire.version)
def driver(request: pytest.FixtureRequest) -> Driver:
    """A client that has two events and a connection that comes after a lost one."""
    driver = Driver(request.param)
    driver.answer(logged(1), logged(2, "y"))
    driver.reconnect()
    return driver


def test_a_first_connection_checks_nothing() -> None:
    driver = Driver(cursor=7)
    assert driver.pull.cursor == 7
    assert driver.answer(logged(8)) == [8]


def test_the_last_event_is_asked_for_and_handed_out_only_once(driver: Driver) -> None:
    assert driver.pull.cursor == 1
    assert driver.answer(logged(2, "y"), logged(3)) == [3]
    assert driver.client.close_reason is None


def test_the_log_may_come_in_parts(driver: Driver) -> None:
    # 0.4 sends the whole log where the client does not name it.
    assert driver.answer(logged(1), remaining=2) == []
    assert driver.answer(logged(2, "y"), logged(3)) == [3]


@pytest.mark.parametrize(
    "there",
    [
        logged(2, "z"),
        logged(2, "y", session="another"),
        replace(logged(2, "y"), name="v1.Debug"),
        replace(logged(2, "y"), client_id="another"),
    ],
)
def test_another_event_in_its_place_is_another_log(
    driver: Driver, there: LoggedEvent
) -> None:
    driver.client.commit(OWN)

    with pytest.raises(OtherLogError) as found:
        driver.answer(there, logged(3))

    assert (found.value.head, found.value.pending_count) == (2, 1)
    assert str(found.value) == (
        "the log was followed up to event 2, but the server's log holds another event "
        "there: it is another log, and one event that was not stored yet is lost, "
        "not pushed into it"
    )
    assert driver.client.head == 2
    assert driver.client.close_reason == str(found.value)
    assert driver.sent() == []


def test_it_is_found_on_every_later_connection_too(driver: Driver) -> None:
    driver.client.commit(OWN, OWN)
    for _ in range(2):
        with pytest.raises(OtherLogError, match="2 events that were not stored"):
            driver.answer(logged(2, "z"))
        driver.reconnect()


def test_a_server_may_spell_arguments_in_another_way(driver: Driver) -> None:
    respelled = replace(logged(2), args_text=' { "title" : "\\u0079" } ')
    assert driver.answer(respelled, logged(3)) == [3]


def test_arguments_that_are_absent_may_come_back_as_null() -> None:
    driver = Driver()
    driver.answer(replace(logged(1), args_text=None))
    driver.reconnect()
    assert driver.pull.cursor == 0
    assert driver.answer(replace(logged(1), args_text="null"), logged(2)) == [2]


@pytest.mark.parametrize("with_echo", [True, False])
def test_own_events_are_known_again_however_they_were_confirmed(
    *, with_echo: bool
) -> None:
    driver = Driver()
    driver.answer()
    driver.client.commit(OWN)
    [push] = driver.sent()
    assert isinstance(push, msg.PushReq)
    if with_echo:
        driver.reconnect()
        assert driver.answer(logged(1, "own", session="own")) == [1]
    else:
        driver.receive(msg.PushAck(request_id=push.request_id))
    driver.reconnect()
    assert driver.answer(logged(1, "own", session="own"), logged(2)) == [2]


@pytest.mark.parametrize("is_gap", [True, False])
def test_a_log_that_seems_too_short_is_asked_for_again(*, is_gap: bool) -> None:
    # The hosted service says that an event is there before it has stored it.
    driver = Driver()
    driver.answer(logged(1), logged(2, "y"))
    there = [logged(3)] if is_gap else []
    for _ in range(3):
        for _ in range(SHORT - 1):
            driver.reconnect()
            assert driver.answer(*there) == []
            assert "does not hold event 2" in (driver.client.close_reason or "")
        driver.reconnect()
        assert driver.answer(logged(2, "y")) == []
        assert driver.client.close_reason is None


def test_a_connection_on_which_the_log_seems_too_short_counts_once(
    driver: Driver,
) -> None:
    for _ in range(SHORT):
        assert driver.answer() == []
    driver.reconnect()
    assert driver.answer(logged(2, "y")) == []
    assert driver.client.close_reason is None


@pytest.mark.parametrize(
    ("why", "complaint"),
    [
        (None, "the server's log does not hold that event: it is another log"),
        (msg.LogTooShort(head=0, cursor=1), "the server's log ends at event 0: it is"),
    ],
)
def test_a_log_that_stays_too_short_is_another_one(
    why: msg.LogTooShort | None, complaint: str
) -> None:
    driver = Driver()
    driver.answer(logged(1), logged(2, "y"))
    for _ in range(SHORT - 1):
        driver.reconnect()
        look(driver, why)
    driver.reconnect()

    with pytest.raises(OtherLogError, match=complaint) as found:
        look(driver, why)

    assert "nothing was pushed into it" in str(found.value)


def look(driver: Driver, why: msg.LogTooShort | None) -> None:
    if why is None:
        driver.answer()
    else:
        driver.refuse(why)


def test_a_log_of_another_name_is_another_one() -> None:
    driver = Driver(WIRES[1])
    driver.answer(logged(1))
    driver.reconnect()
    with pytest.raises(OtherLogError, match="has another id"):
        driver.refuse(msg.OtherLog(expected="new", received="log"))


def test_a_restored_log_keeps_its_name() -> None:
    driver = Driver(WIRES[1])
    driver.answer(logged(1), logged(2))
    for _ in range(SHORT - 1):
        driver.reconnect()
        driver.refuse(msg.OtherLog(expected="log", received="log"))
    driver.reconnect()
    with pytest.raises(OtherLogError, match="ends before that"):
        driver.refuse(msg.OtherLog(expected="log", received="log"))


def test_a_broadcast_may_overtake_the_check() -> None:
    driver = Driver(WIRES[1])
    driver.answer(logged(1), logged(2))
    driver.reconnect()

    assert driver.answer(logged(3)) == []
    driver.pull = next(m for m in driver.sent() if isinstance(m, msg.PullReq))

    assert driver.pull.cursor == 1
    assert driver.answer(logged(2), logged(3)) == [3]


def test_a_broadcast_of_another_log_waits_for_the_check() -> None:
    driver = Driver()
    driver.answer(logged(1), logged(2))
    driver.reconnect()
    broadcast = msg.PullRes(
        batch=(StoredEvent(event=logged(3), created_at=None),),
        context="push",
        request_id="theirs",
        remaining=0,
    )
    assert driver.receive(broadcast) == []
    with pytest.raises(OtherLogError):
        driver.answer(logged(2, "z"))
    assert driver.client.head == 2


def test_the_sentence_of_a_refused_pull_is_read_again() -> None:
    why = msg.LogTooShort(head=12, cursor=345)
    refusal = msg.ErrorRes(request_id="x", message=str(why), cause=why)
    assert WIRE_V03.decode(WIRE_V03.encode(refusal) or "") == refusal
    assert msg.LogTooShort.parse("The log ends at e12") is None


def test_nothing_is_checked_twice_on_one_connection(driver: Driver) -> None:
    driver.answer(logged(2, "y"))
    driver.sent()
    # Some servers repeat what they have sent; that is no news of the log.
    updates = driver.client.receive_text(_broadcast(driver, logged(2, "z")), 0.0)
    assert updates == []
    assert driver.client.close_reason is None


def _broadcast(driver: Driver, event: LoggedEvent) -> str:
    message: Any = msg.PullRes(
        batch=(StoredEvent(event=event, created_at=None),),
        context="push",
        request_id=driver.pull.request_id,
        remaining=0,
        backend_id="log",
    )
    return driver.wire.encode(message) or ""


def test_what_follows_the_check_comes_as_ever(driver: Driver) -> None:
    driver.answer(logged(2, "y"))
    updates = driver.client.receive_text(_broadcast(driver, logged(3)), 0.0)
    assert updates == [Received(logged(3))]
