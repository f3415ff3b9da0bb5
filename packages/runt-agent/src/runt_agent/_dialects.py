"""Which version of LiveStore's sync protocol a service speaks.

It does not say so, but refuses the upgrade of a client of another version. So what the
hosted service speaks is tried first, and the next once that is refused.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from runt_protocol import WIRE_V03, Wire, WireV04, connect_url

LiveStoreVersion: TypeAlias = Literal["0.3", "0.4"]


class Dialects:
    """The versions that a service may speak, and the one that is tried now.

    Args:
        sync_url: The service's sync endpoint.
        notebook_id: The notebook.
        payload: What the service asks of a client.
        version: The version that it speaks, None where that is not known.
    """

    def __init__(
        self,
        sync_url: str,
        notebook_id: str,
        payload: Mapping[str, Any],
        version: LiveStoreVersion | None,
    ) -> None:
        wires: list[Wire] = [WIRE_V03, WireV04(notebook_id, payload)]
        self._options = [
            (wire, connect_url(sync_url, notebook_id, payload, wire))
            for wire in wires
            if version in {None, wire.version}
        ]
        self._refusals: list[tuple[int, str]] = []

    @property
    def wire(self) -> Wire:
        """What is spoken now."""
        return self._options[0][0]

    @property
    def url(self) -> str:
        """Where it is spoken; with the token, so it belongs in no log."""
        return self._options[0][1]

    def refuse(self, status: int, reason: str) -> tuple[int, str] | None:
        """Take note that the version that is spoken now is refused; turn to the next.

        Args:
            status: The HTTP status of the refusal.
            reason: The service's own words.

        Returns:
            Once every version is refused: status and reason, of all that was said.
        """
        self._refusals.append((status, reason))
        self.try_next()
        if len(self._refusals) < len(self._options):
            return None
        refusals, self._refusals = self._refusals, []
        reasons = dict.fromkeys(reason for _, reason in refusals)
        return refusals[0][0], " / ".join(filter(None, reasons))

    def accept(self) -> None:
        """Take note that the version that is spoken now is accepted."""
        self._refusals.clear()

    def try_next(self) -> None:
        """Turn to the next version, and after the last to the first again."""
        self._options.append(self._options.pop(0))
