"""What can go wrong, by whose fault it is.

```
AgentError
├── ConfigError                     the caller: a value that can never work
├── RefusedError                    the service said no; asking again would not help
│   ├── ConnectionRefusedByServerError    at the WebSocket upgrade
│   └── TokenRefusedError                 at /api/me
├── UnreachableError                the network or the service is down
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
