"""What a sync room does with a push, until everybody has it."""

from protocol_rig import ACK, NOW, Edge, error, event, pull, push, push_of, stored

from runt_protocol import (
    Append,
    Read,
    Send,
)
from runt_protocol._messages import PushReq
from runt_protocol._wire_v03 import encode_message


def test_a_push_is_stored_then_acknowledged_then_broadcast() -> None:
    edge = Edge(head=2)
    edge.connect("a", "b")
    edge.exchange("a", pull())
    edge.exchange("b", pull())
    (append,) = edge.receive("a", push(3, 4))
    assert append == Append(stored(3, 4))
    assert edge.taken() == []
    assert edge.room.head == 2
    edge.perform([append])
    assert edge.taken() == [
        ("a", ACK),
        ("a", ("push", [3, 4], 0)),
        ("b", ("push", [3, 4], 0)),
    ]
    assert edge.room.head == 4


def test_args_go_out_byte_for_byte() -> None:
    edge = Edge()
    edge.connect("a")
    args = '{ "key":"k" ,"zz":1.50, "value":"\\ud83d\\u00e9" }'
    odd = event(1, name="v1.NotebookMetadataSet", args=args)
    (append,) = edge.room.receive("a", push_of(odd), created_at=NOW)
    assert isinstance(append, Append)
    _, broadcast = edge.room.appended()
    assert isinstance(broadcast, Send)
    assert f'"args":{args},' in broadcast.text
    (read,) = edge.room.receive("a", pull(), created_at=NOW)
    assert isinstance(read, Read)
    (answer,) = edge.room.read_chunk("a", append.events)
    assert isinstance(answer, Send)
    assert f'"args":{args},' in answer.text


def test_a_broadcast_is_encoded_once_for_all() -> None:
    edge = Edge()
    edge.connect("a", "b", "c")
    for conn_id in ("a", "b", "c"):
        edge.receive(conn_id, pull())
    edge.receive("a", push(1, 1))
    _, *broadcasts = edge.room.appended()
    assert len({id(send.text) for send in broadcasts if isinstance(send, Send)}) == 1
    assert len(broadcasts) == 3


def test_an_empty_push_is_acknowledged() -> None:
    edge = Edge(head=2)
    edge.connect("a")
    empty = encode_message(PushReq(request_id="push", batch=()))
    assert edge.exchange("a", empty) == [("a", ACK)]


def test_pushes_may_be_committed_together() -> None:
    edge = Edge()
    edge.connect("a", "b")
    first = edge.receive("a", push(1, 2))
    second = edge.receive("b", push(3, 3))
    assert [*first, *second] == [Append(stored(1, 2)), Append(stored(3, 3))]
    edge.keep(edge.room.appended())
    edge.keep(edge.room.appended())
    assert edge.taken() == [
        ("a", ACK),
        ("a", ("push", [1, 2], 0)),
        ("b", ACK),
        ("a", ("push", [3], 0)),
        ("b", ("push", [3], 0)),
    ]


def test_a_failed_append_takes_those_behind_it_along() -> None:
    edge = Edge()
    edge.connect("a", "b", "gone")
    edge.receive("a", push(1, 2))
    edge.receive("b", push(3, 3))
    edge.receive("gone", push(4, 4))
    edge.room.disconnect("gone")
    edge.keep(edge.room.append_failed("the disk is full"))
    why = error("The events could not be stored: the disk is full")
    assert edge.taken() == [("a", why), ("b", why)]
    assert edge.exchange("a", push(1, 1)) == [("a", ACK), ("a", ("push", [1], 0))]


def test_what_a_lost_connection_pushed_is_stored() -> None:
    edge = Edge()
    edge.connect("a", "b")
    edge.receive("b", pull())
    edge.taken()
    effects = edge.receive("a", push(1, 1))
    edge.room.disconnect("a")
    edge.room.disconnect("a")
    assert not edge.room.is_empty
    edge.perform(effects)
    assert edge.taken() == [("b", ("push", [1], 0))]
    edge.room.disconnect("b")
    assert edge.room.is_empty
