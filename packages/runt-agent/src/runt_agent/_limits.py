"""Every limit and time-out of the agent, with its unit and its reason."""

from dataclasses import dataclass, field

import runt_protocol


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one agent or notebook connection.

    Attributes:
        sync: Those of the protocol: sizes of messages, pings, delays of reconnecting.
        first_connect_timeout_s: How long the first connection may take, retries
            included, and how long the log may stand still while it is read. Somebody
            is watching the start, so it must end.
        handshake_timeout_s: One attempt to connect. A healthy upgrade takes two round
            trips; a black hole must not eat the whole of the time above.
        refusals_until_giving_up: Refusals in a row after which a connection that once
            worked is tried in another version of LiveStore, and given up if that is
            refused, too. A proxy in front of a restarting server may refuse for a
            moment; a revoked token refuses for good.
        close_timeout_s: How long the closing handshake may take; everything that
            matters has been confirmed by then.
        request_timeout_s: One HTTP request to the service, except uploads.
        upload_timeout_s: One artifact upload; outputs behind it wait for it.
        artifact_above_bytes: Images larger than this become artifacts, so that the
            event log stays light.
        max_event_bytes: Largest event that is committed. The real server closes a
            connection above 1 MiB a message; the envelope needs its share.
        max_text_chars: Largest piece of terminal text in one event. JSON needs six
            bytes for a character at worst, which keeps it below `max_event_bytes`.
        output_interval_s: Least time between two batches of outputs of a cell.
        slow_output_after: Batches after which a cell that goes on writing is slowed
            down; a log is for ever.
        slow_output_interval_s: Least time between batches from then on.
        push_hold_s: How long outputs wait for what follows, so that a quick cell needs
            one push. Nobody sees so short a delay.
        renewal_interval_s: Time between two renewals of the runtime session.
        session_valid_ms: How long a renewal holds: two missed renewals end it.
        shutdown_timeout_s: How long the last events may take to be confirmed when the
            agent ends; the person who pressed Ctrl-C waits for this.
        restart_waits_s: How long to wait after each Python in a row that died before it
            was ready. What makes them die (no memory, a full disk) may pass; the one
            behind the last wait ends the agent.
        interrupt_grace_s: How long a running cell may take to end when the agent
            ends. What it wrote until then is kept.
    """

    sync: runt_protocol.Limits = field(default_factory=runt_protocol.Limits)
    first_connect_timeout_s: float = 30.0
    handshake_timeout_s: float = 10.0
    refusals_until_giving_up: int = 5
    close_timeout_s: float = 1.0
    request_timeout_s: float = 15.0
    upload_timeout_s: float = 60.0
    artifact_above_bytes: int = 6 * 1024
    max_event_bytes: int = 900_000 - 1_000
    max_text_chars: int = 128 * 1024
    output_interval_s: float = 0.1
    slow_output_after: int = 100
    slow_output_interval_s: float = 1.0
    push_hold_s: float = 0.005
    renewal_interval_s: float = 15.0
    session_valid_ms: int = 30_000
    shutdown_timeout_s: float = 5.0
    restart_waits_s: tuple[float, ...] = (0.5, 2.0, 8.0)
    interrupt_grace_s: float = 2.0


DEFAULT_LIMITS = Limits()
"""The limits that hold where nobody gave others."""
