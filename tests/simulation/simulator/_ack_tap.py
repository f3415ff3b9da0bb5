"""A look at the frames of the server: is it true what it acknowledges?"""

from collections.abc import Callable
from typing import Any

import msgspec

from ._link import Link
from ._trace import Trace


class _Head(msgspec.Struct, rename={"tag": "_tag", "request_id": "requestId"}):
    tag: str
    request_id: Any = None
    batch: list[Any] = []


class AckTap:
    """Checks that every acknowledged push is on the disk when its ack leaves.

    Args:
        trace: Takes notes.
        is_stored: Tells whether a crash now would leave an event in the log.
        violate: Reports a violation.
    """

    def __init__(
        self,
        trace: Trace,
        is_stored: Callable[[int, str], bool],
        violate: Callable[[str], None],
    ) -> None:
        self._trace = trace
        self._is_stored = is_stored
        self._violate = violate
        self._pushes: dict[tuple[int, str], list[Any]] = {}
        self.acks = 0
        self.refusals = 0

    def pushed(self, link: Link, text: str) -> None:
        """Remember a push."""
        self._trace.note(link.machine.name, f"-> {link.number} {_short(text)}")
        if '"WSMessage.PushReq"' in text[:200]:
            head = msgspec.json.decode(text, type=_Head)
            self._pushes[link.number, str(head.request_id)] = head.batch

    def answered(self, link: Link, text: str) -> None:
        """Check an ack."""
        self._trace.note(link.machine.name, f"<- {link.number} {_short(text)}")
        if '"WSMessage.PushAck"' in text:
            head = msgspec.json.decode(text, type=_Head)
            for event in self._pushes.pop((link.number, str(head.request_id))):
                self.acks += 1
                if not self._is_stored(event["seqNum"], event["sessionId"]):
                    self._violate(f"acknowledged, not stored: e{event['seqNum']}")
        elif '"WSMessage.Error"' in text[:200]:
            self.refusals += 1


def _short(text: str) -> str:
    return text.replace("WSMessage.", "") if len(text) < 160 else _cut(text)


def _cut(text: str) -> str:
    return f"{text[:130].replace('WSMessage.', '')}… {len(text)} chars"
