"""Whether a server still has the log that a client follows.

A server may have lost its store (another volume, a restored backup, a deleted file);
its log then begins again, or goes on from an older state. 0.3 has no name for a log,
and the name that 0.4 has comes back with a backup. So a client that connects again lets
itself be sent the last event that it has: another log has another one in that place, or
none.
"""

from collections.abc import Iterable

from ._envelope import LoggedEvent
from ._errors import OtherLogError
from ._json import same_json
from ._limits import Limits


class LogCheck:
    """Compares the last event that a client has with what stands there on the server.

    Args:
        head: The number of the last event that the client has.
        limits: How often a log may seem too short.
    """

    def __init__(self, head: int, limits: Limits) -> None:
        self._head = head
        self._limits = limits
        self._last: LoggedEvent | None = None
        self._short_logs = 0
        self._is_due = False
        self._is_noted = False

    @property
    def wanted(self) -> int:
        """The number of the event that a pull has to begin with."""
        return self._head if self._is_due else self._head + 1

    def follow(self, event: LoggedEvent) -> None:
        """Take note that the log goes on."""
        self._head = event.seq_num
        self._last = event

    def start(self) -> None:
        """Ask for a check in the answer to the next pull, if there can be one."""
        self._is_due = self._last is not None
        self._is_noted = False

    def check(
        self, events: Iterable[LoggedEvent], *, is_end: bool, pending_count: int
    ) -> bool:
        """Look for the event in a part of the answer to a pull.

        Args:
            events: The part, in ascending order.
            is_end: Whether no further part comes.
            pending_count: How many events would be lost with the log.

        Returns:
            Whether all is well so far. If not, the log seems to be too short, and the
            client has to connect again: sync-cf tells its clients of an event before it
            has stored it, and a pull may come between the two.

        Raises:
            OtherLogError: It is another log.
        """
        if not self._is_due:
            return True
        found = next((event for event in events if event.seq_num >= self._head), None)
        if found is None and not is_end:
            return True
        if found is None or found.seq_num > self._head:
            self.note_short_log("does not hold that event", pending_count)
            return False
        if not self._is_last(found):
            raise self.other_log("holds another event there", pending_count)
        self._is_due = False
        self._short_logs = 0
        return True

    def note_short_log(self, finding: str, pending_count: int) -> None:
        """Take note that the log ends before the last event that the client has.

        A connection counts once, whatever else comes on it before it is closed.

        Args:
            finding: What is known of the log, after "the server's log".
            pending_count: How many events would be lost with the log.

        Raises:
            OtherLogError: It has been so on several connections in a row.
        """
        if self._is_noted:
            return
        self._is_noted = True
        self._short_logs += 1
        if self._short_logs >= self._limits.short_logs_until_giving_up:
            raise self.other_log(finding, pending_count)

    def other_log(self, finding: str, pending_count: int) -> OtherLogError:
        """Make the error that says what was found."""
        return OtherLogError(
            head=self._head, finding=finding, pending_count=pending_count
        )

    def _is_last(self, event: LoggedEvent) -> bool:
        last = self._last
        return (
            last is not None
            and event.name == last.name
            and event.client_id == last.client_id
            and event.session_id == last.session_id
            # The hosted service hands out null where a push had no args.
            and same_json(event.args_text or "null", last.args_text or "null")
        )
