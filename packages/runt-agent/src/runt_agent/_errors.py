"""What can go wrong, by whose fault it is.

```
AgentError
├── ConfigError                     the caller: a value that can never work
├── RefusedError                    the service said no; asking again would not help
│   ├── ConnectionRefusedByServerError    at the WebSocket upgrade
│   └── TokenRefusedError                 at /api/me
├── UnreachableError                the network or the service is down
├── LogReplacedError                the service holds another log of the notebook now
├── ArtifactUploadError             an upload failed; its output can stay inline
├── DisplacedError                  another runtime took the notebook over
└── NotebookClosedError             the notebook was used after its block ended
```

None of these texts ever holds the auth token.
"""


class AgentError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(AgentError):
    """A setting that can never work, whatever the service says."""


class RefusedError(AgentError):
    """The service answered and refused; the same request would be refused again.

    Attributes:
        status: The HTTP status of the refusal.
        reason: The service's own words, shortened; empty if it gave none.
    """

    def __init__(self, what: str, *, status: int, reason: str) -> None:
        """Build the text from its parts.

        Args:
            what: What was refused, as the beginning of a sentence.
            status: The HTTP status of the refusal.
            reason: The service's own words.
        """
        text = f"{what} (HTTP {status})"
        super().__init__(f"{text}: {reason}" if reason else text)
        self.status = status
        self.reason = reason


class ConnectionRefusedByServerError(RefusedError):
    """The sync server refused the WebSocket upgrade."""


class TokenRefusedError(RefusedError):
    """The service does not accept the auth token."""


class UnreachableError(AgentError):
    """The service could not be reached, or gave no usable answer."""


class LogReplacedError(AgentError):
    """The service's log of the notebook is not the one that was followed until now.

    It has lost the notebook, or took up an older copy. Nothing was pushed into the log
    that it has now; whoever joins again follows that one.

    Attributes:
        head: The number of the last event of the log that was followed.
        lost_count: How many own events were not stored in it yet, and are lost.
    """

    def __init__(self, what: str, *, head: int, lost_count: int) -> None:
        """Build the text.

        Args:
            what: What was found, as a sentence without its end.
            head: The number of the last event of the log that was followed.
            lost_count: How many own events are lost.
        """
        super().__init__(
            f"{what}. Has the service lost its data, or restored a backup? "
            f"Start again to follow the log that it has now"
        )
        self.head = head
        self.lost_count = lost_count


class ArtifactUploadError(AgentError):
    """An artifact could not be stored; what it held can stay inline."""


class DisplacedError(AgentError):
    """Another runtime took the notebook over.

    Attributes:
        session_id: The session that was ended.
        new_session_id: The session that took over; None while none is known.
    """

    def __init__(self, *, session_id: str, new_session_id: str | None) -> None:
        """Build the text from its parts.

        Args:
            session_id: The session that was ended.
            new_session_id: The session that took over, if one is known.
        """
        successor = (
            f"session {new_session_id} took over"
            if new_session_id is not None
            else "no other session has taken over"
        )
        super().__init__(f"runtime session {session_id} was ended: {successor}")
        self.session_id = session_id
        self.new_session_id = new_session_id


class NotebookClosedError(AgentError):
    """The notebook's block has ended; nothing can be committed or awaited in it."""
