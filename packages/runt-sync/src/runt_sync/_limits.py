"""Every bound that the server sets, in one place."""

from dataclasses import dataclass, field

import runt_protocol

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of a server, each with its unit and its reason.

    Attributes:
        sync: What the rooms accept and how they cut their answers. A WebSocket message
            that is longer than `sync.max_message_bytes` closes its socket (1009).
        max_commit_events: Events that share a transaction. More of them save little
            more, and the first one waits for the last.
        max_queued_chars: Characters that may wait for one slow socket. A message that
            is as large as they get has to fit in; past this the socket is closed
            (1013), and its client pulls again from its cursor.
        max_queued_frames: Frames that may wait for one slow socket; the same for many
            small ones.
        max_known_stores: Stores whose LiveStore 0.3 clients are remembered.
        max_known_clients_bytes: Bytes of changes to what is known of them, after which
            the file is written anew.
        max_store_id_bytes: Bytes of a notebook's id in UTF-8. Real ids have 20 to 40.
        max_artifact_bytes: Bytes of one artifact; an upload is held in memory.
        max_content_type_bytes: Bytes of an artifact's content type. RFC 6838 ends names
            at 127 characters each; parameters such as charset come on top.
        ping_after_s: Seconds without a byte from a WebSocket after which its peer is
            asked for one. LiveStore clients ask by themselves every 25 s, so that this
            is for those that have gone, or whose page is frozen.
        pong_s: Seconds in which some byte has to come then; else the socket is dropped.
        answer_s: Seconds after which the answer to a probe is not under way any more.
            If a connection ends before, nobody knows which of the last frames came.
        silence_s: Seconds without a byte after which TCP asks whether the peer's
            machine is there; else the socket of a laptop that was closed stays open.
        send_stall_s: Seconds in which a peer has to take some bytes. TCP itself would
            wait a quarter of an hour for a machine that has gone.
        close_s: Seconds in which a peer has to answer that it closes the WebSocket.
        stop_s: Seconds in which the whole server has to end once it is asked to.
    """

    sync: runt_protocol.Limits = field(default_factory=runt_protocol.Limits)
    max_commit_events: int = 2_000
    max_queued_chars: int = 32 * _MIB
    max_queued_frames: int = 10_000
    max_known_stores: int = 1_000
    max_known_clients_bytes: int = 8 * _MIB
    max_store_id_bytes: int = 512
    max_artifact_bytes: int = 64 * _MIB
    max_content_type_bytes: int = 256
    ping_after_s: float = 30
    pong_s: float = 30
    answer_s: float = 5
    silence_s: int = 60
    send_stall_s: float = 20
    close_s: float = 2
    stop_s: float = 4
