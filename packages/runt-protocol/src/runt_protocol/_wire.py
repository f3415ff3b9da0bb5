"""What the cores ask of a codec, so that one can be put in the place of another."""

from typing import ClassVar, Protocol

from ._messages import Message


class Wire(Protocol):
    """How one version of `@livestore/sync-cf` spells messages as text frames.

    Attributes:
        version: The LiveStore release line that speaks so, such as `0.3`.
        is_streamed: Whether later events are further answers to the pull. Else they are
            broadcasts, which need no pull and name the push.
    """

    version: ClassVar[str]
    is_streamed: ClassVar[bool]

    def decode(self, text: str) -> Message:
        """Read a frame.

        Args:
            text: The text of one WebSocket text frame.

        Returns:
            The message; the args of its events are the exact text that they had in the
            frame. Fields that the protocol does not know are left out, as by the real
            peers.

        Raises:
            WireError: The frame is no JSON, has an unknown tag, or lacks or misuses a
                field.
        """
        ...

    def encode(self, message: Message) -> str | None:
        """Write a message as the text of a frame, in the key order of the real peers.

        Args:
            message: Any message; the args texts of its events are written as they are.

        Returns:
            The frame, or None where this version has no such message and its peers need
            none.
        """
        ...

    def name_request(self, session_id: str, number: int) -> str:
        """Make the id of a request.

        Args:
            session_id: The id of the client's session, which no other client has.
            number: How many requests the client had made before this one.
        """
        ...

    def request_id_of(self, text: str) -> str:
        """Find out whom to answer when a frame cannot be decoded.

        Args:
            text: Any text.

        Returns:
            The request id if the text is a JSON object that holds one, else an empty
            text.
        """
        ...
