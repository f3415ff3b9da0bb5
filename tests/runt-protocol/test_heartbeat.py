from runt_protocol import Limits
from runt_protocol._heartbeat import Heartbeat

LIMITS = Limits(ping_interval_s=25, pong_timeout_s=20)


def test_a_pong_is_awaited_from_the_start() -> None:
    heartbeat = Heartbeat(100.0, LIMITS)
    assert heartbeat.deadline == 120.0
    assert not heartbeat.start_ping(119.0)
    assert not heartbeat.is_overdue(119.9)
    assert heartbeat.is_overdue(120.0)


def test_the_next_ping_goes_out_25_seconds_after_each_pong() -> None:
    heartbeat = Heartbeat(100.0, LIMITS)
    heartbeat.receive_pong(101.0)
    assert heartbeat.deadline == 126.0
    assert not heartbeat.start_ping(125.9)
    assert not heartbeat.is_overdue(126.0)
    assert heartbeat.start_ping(126.0)
    assert heartbeat.deadline == 146.0
    assert not heartbeat.start_ping(126.0)
    assert heartbeat.is_overdue(146.0)


def test_any_frame_shows_that_the_peer_lives() -> None:
    heartbeat = Heartbeat(100.0, LIMITS)
    heartbeat.receive_frame(119.0)
    assert not heartbeat.is_overdue(138.0)
    assert heartbeat.is_overdue(139.0)
    heartbeat.receive_pong(138.0)
    heartbeat.receive_frame(150.0)
    assert heartbeat.deadline == 163.0
