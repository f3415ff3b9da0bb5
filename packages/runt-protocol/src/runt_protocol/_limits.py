"""Every limit of this package in one place, each with its unit and its reason."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the cores of client and server accept, send and wait for.

    Attributes:
        max_push_events: Events in one push. The JavaScript client sends at most 50.
        max_push_events_near_clear: Events in a push in which one may read what another
            wrote (a clear, a display update, an append of version 1). LiveStore outside
            production mode shuts a store down that receives 50 or more of these in one
            batch, and it may merge two batches.
        max_push_bytes: Size of one push on the wire. The hosted service closes the
            connection above 1 MiB; a push stays well below it.
        max_message_bytes: Size of a message that the server accepts. Outputs of other
            clients can be large, and a message is held in memory as a whole.
        max_received_bytes: Size of a message that a client should accept. Pull answers
            of 100 events can be far larger than any push.
        pull_chunk_events: Events in one pull answer, as the hosted service sends them.
        pull_chunk_bytes: Size above which the server ends a pull answer early, so that
            a chunk of large events does not grow without bound.
        max_waiting_pulls: Pulls that one connection may have open. A client has one;
            the bound keeps a hostile one from filling the memory.
        max_lost_receivers: LiveStore 0.3 clients of a store that are remembered when
            their connections have ended; a socket that says nothing of itself may be
            any of them, and is told what each of them lacks.
        max_wake_events: Events that such a socket is told in all.
        max_skipped_events: Events that a replica could not carry out and keeps for a
            report; it counts the others.
        ping_interval_s: Time from a Pong to the next Ping.
        pong_timeout_s: Silence after a Ping until the connection counts as lost. Longer
            than a large pull answer takes on a slow line.
        max_unanswered_pings: Pongs that may pass by while a request waits for its
            answer until the connection counts as lost.
        short_logs_until_giving_up: Connections in a row on which the server's log ends
            before an event that the client has, until it counts as another log. Once
            may be a matter of moments: sync-cf broadcasts before it stores.
        reconnect_delay_s: First delay before another attempt; it doubles each time.
        max_reconnect_delay_s: Where the doubling ends. A server that is back after a
            long while shall have everybody again, and everybody's events, within ten
            seconds; a longer delay would spare a server little.
    """

    max_push_events: int = 50
    max_push_events_near_clear: int = 20
    max_push_bytes: int = 900_000
    max_message_bytes: int = 16 * 1024 * 1024
    max_received_bytes: int = 64 * 1024 * 1024
    pull_chunk_events: int = 100
    pull_chunk_bytes: int = 4 * 1024 * 1024
    max_waiting_pulls: int = 8
    max_lost_receivers: int = 16
    max_wake_events: int = 20_000
    max_skipped_events: int = 1000
    ping_interval_s: float = 25.0
    pong_timeout_s: float = 20.0
    max_unanswered_pings: int = 2
    short_logs_until_giving_up: int = 5
    reconnect_delay_s: float = 0.1
    max_reconnect_delay_s: float = 5.0
