import pytest

from runt_protocol import (
    Limits,
    NotebookTitleChanged,
    OtherLogError,
    Replica,
    SyncRoom,
)
from runt_protocol.testing import ConvergenceCheck, MemoryServer, SimulatedNetwork


def pair() -> SimulatedNetwork:
    return SimulatedNetwork(
        [Replica(client_id=name, session_id=name) for name in ("a", "b")]
    )


def test_a_pair_settles() -> None:
    network = pair()
    check = ConvergenceCheck(network)
    check.commit(0, NotebookTitleChanged(title="x"))
    check.commit(1, NotebookTitleChanged(title="y"))
    network.settle()
    check.check_settled()
    assert len(network.server.log) == 2


def test_a_server_that_forgot_events_is_found() -> None:
    network = pair()
    network.replicas[0].commit(NotebookTitleChanged(title="x"))
    network.settle()
    network.server.log.clear()
    network.restart_server()
    with pytest.raises(OtherLogError, match="up to event 1"):
        network.settle()


def test_a_server_that_takes_nothing_never_settles() -> None:
    network = pair()
    network.replicas[0].commit(NotebookTitleChanged(title="x" * 100))
    network.server.room = SyncRoom(0, limits=Limits(max_message_bytes=50))
    with pytest.raises(AssertionError, match="does not come to rest"):
        network.settle()


def test_a_stored_event_that_is_repeated_is_found() -> None:
    network = pair()
    check = ConvergenceCheck(network)
    check.commit(0, NotebookTitleChanged(title="x"))
    network.settle()
    network.server.log *= 2
    with pytest.raises(AssertionError, match="stored twice"):
        check.check_always()


def test_an_event_that_is_lost_is_found() -> None:
    network = pair()
    check = ConvergenceCheck(network)
    check.commit(0, NotebookTitleChanged(title="x"))
    network.settle()
    network.server.log.clear()
    with pytest.raises(AssertionError, match="confirmed but not stored"):
        check.check_settled()


def test_a_server_can_serve_a_bare_socket() -> None:
    server = MemoryServer()
    server.connect("socket")
    server.receive("socket", '{"_tag":"WSMessage.Ping","requestId":"ping"}')
    assert list(server.frames["socket"]) == [
        '{"_tag":"WSMessage.Pong","requestId":"ping"}'
    ]
    server.disconnect("socket")
    assert not server.frames
