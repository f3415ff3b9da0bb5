"""How a sync client keeps its connection, and what it does not let pass."""

import pytest
from protocol_rig import PING, PONG, ClientDriver, logged, own

from runt_protocol import Limits, SyncClient, UsageError, WireError
from runt_protocol._messages import Ping, Pong, PullReq, PushReq
from runt_protocol._wire_v03 import encode_message


def test_it_pings_25_seconds_after_each_pong() -> None:
    driver = ClientDriver()
    driver.go_live()
    for _ in range(3):
        assert driver.client.next_deadline() == driver.now + 25
        driver.now += 24
        driver.client.handle_timeout(driver.now)
        assert driver.sent() == []
        driver.now += 1
        driver.client.handle_timeout(driver.now)
        assert driver.sent() == [Ping()]
        driver.receive(PONG)


def test_a_missing_pong_ends_the_connection() -> None:
    # Vector 14.
    driver = ClientDriver()
    driver.open()
    driver.now += 19
    driver.answer_pull()
    driver.now = driver.client.next_deadline()
    assert driver.client.close_reason is None
    driver.client.handle_timeout(driver.now)
    assert driver.client.close_reason == "the server does not answer a Ping"


@pytest.mark.parametrize("request_kind", ["pull", "push"])
def test_a_server_that_only_answers_pings_is_given_up(request_kind: str) -> None:
    driver = ClientDriver()
    driver.open()
    if request_kind == "push":
        driver.answer_pull()
        driver.client.commit(own("a"))
        driver.sent()
    for _ in range(2):
        driver.receive(PONG)
    assert driver.client.close_reason is None
    driver.receive(PONG)
    assert driver.client.close_reason == "the server answers a Ping but no request"


def test_progress_of_a_pull_counts_as_an_answer() -> None:
    driver = ClientDriver()
    driver.open()
    for number in range(1, 6):
        driver.receive(PONG)
        driver.answer_pull(logged("x", number), remaining=9)
    assert driver.client.close_reason is None


def test_a_ping_is_answered() -> None:
    driver = ClientDriver()
    driver.go_live()
    assert driver.receive(PING) == []
    assert driver.sent() == [Pong()]


def test_reconnects_are_ever_slower_until_a_pull_succeeds() -> None:
    driver = ClientDriver(Limits(reconnect_delay_s=0.1, max_reconnect_delay_s=0.5))
    assert driver.client.next_deadline() <= driver.now
    for delay in (0.1, 0.2, 0.4, 0.5, 0.5):
        driver.client.connection_lost(driver.now, jitter=1.0)
        assert driver.client.next_deadline() == pytest.approx(driver.now + delay)
        driver.client.handle_timeout(driver.now)
    # A server that accepts and hangs up is no success.
    driver.open()
    driver.client.connection_lost(driver.now, jitter=0.0)
    assert driver.client.next_deadline() == pytest.approx(driver.now + 0.25)
    driver.go_live()
    driver.lose()
    assert driver.client.next_deadline() == pytest.approx(driver.now + 0.1)


def test_the_owner_is_told_what_it_does_wrong() -> None:
    client = SyncClient(client_id="c", session_id="s")
    with pytest.raises(UsageError, match="without a connection"):
        client.receive_text(PONG, 0.0)
    client.connection_opened(0.0)
    with pytest.raises(UsageError, match="was opened, but the state was: connected"):
        client.connection_opened(0.0)


@pytest.mark.parametrize(
    "frame",
    [
        "junk",
        '{"_tag":"WSMessage.Hello"}',
        encode_message(PullReq(request_id="x")),
        encode_message(PushReq(request_id="x", batch=())),
    ],
)
def test_an_unreadable_frame_is_reported_and_harms_nothing(frame: str) -> None:
    driver = ClientDriver()
    driver.go_live(logged("x", 1))
    with pytest.raises(WireError):
        driver.receive(frame)
    driver.sent()
    driver.answer_pull()
    assert driver.broadcast(logged("y", 2)) == [("received", 2, "y")]


def test_after_a_frame_that_may_have_held_events_it_pulls() -> None:
    driver = ClientDriver()
    driver.go_live(logged("x", 1))
    with pytest.raises(WireError):
        driver.receive('{"_tag":"WSMessage.PullRes","batch":[{}]}')
    assert driver.pulled() == [1]
    with pytest.raises(WireError):
        driver.receive("junk")
    assert driver.pulled() == []
