"""What an agent has to know before it starts."""

import re
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from runt_agent._dialects import LiveStoreVersion
from runt_agent._errors import ConfigError
from runt_agent._limits import DEFAULT_LIMITS, Limits
from runt_agent._service import Service
from runt_agent._session import Session

HOSTED_SYNC_URL: Final = "wss://app.runt.run/livestore"
"""The sync URL of the hosted service."""

# The id travels in an HTTP header when an artifact is uploaded.
_NOTEBOOK_ID: Final = re.compile(r"[\x21-\x7e]+")


def _fresh_runtime_id() -> str:
    return f"runt-{uuid4().hex[:12]}"


def _fresh_session_id() -> str:
    return f"session-{uuid4()}"


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """The notebook to serve, the service it lives in, and the names to use there.

    Attributes:
        notebook_id: The notebook; printable ASCII without spaces.
        auth_token: The token that opens the service; never part of the repr.
        sync_url: The service's sync endpoint.
        runtime_id: The runtime's name, the same in all its lives.
        session_id: The name of this life; it must never be used twice.
        livestore: The LiveStore release line that the service speaks; None to try.
        limits: Sizes and time-outs.
    """

    notebook_id: str
    auth_token: str = field(repr=False)
    sync_url: str = HOSTED_SYNC_URL
    runtime_id: str = field(default_factory=_fresh_runtime_id)
    session_id: str = field(default_factory=_fresh_session_id)
    livestore: LiveStoreVersion | None = None
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        """Check what can be checked without a network.

        Raises:
            ConfigError: A value can never work.
        """
        if not _NOTEBOOK_ID.fullmatch(self.notebook_id):
            raise ConfigError("the notebook id must be printable ASCII without spaces")
        if not self.runtime_id or not self.session_id:
            raise ConfigError("runtime id and session id must not be empty")
        self.service  # noqa: B018 - it checks URL and token

    @property
    def service(self) -> Service:
        """The service and the token that opens it."""
        return Service(sync_url=self.sync_url, auth_token=self.auth_token)

    @property
    def session(self) -> Session:
        """The names under which the agent appears in the notebook."""
        return Session(session_id=self.session_id, runtime_id=self.runtime_id)

    def payload(self, user_id: str) -> dict[str, object]:
        """Give what a runtime shows at the WebSocket upgrade.

        Args:
            user_id: The user that the token belongs to; the service compares.
        """
        return {
            "authToken": self.auth_token,
            "runtime": True,
            "runtimeId": self.runtime_id,
            "sessionId": self.session_id,
            "userId": user_id,
        }
