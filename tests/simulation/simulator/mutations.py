"""Bugs to put into the real code, and what the simulation says when it finds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from runt_agent import _queue
from runt_agent._gather import Gatherer
from runt_agent._ledger import Ledger
from runt_agent._queue import IdleStep, Run, Wait
from runt_protocol import (
    Append,
    Effect,
    Event,
    ExecutionCompleted,
    LoggedEvent,
    NotebookState,
    Send,
    SyncRoom,
)
from runt_protocol._backoff import Backoff
from runt_protocol._log_check import LogCheck
from runt_worker import Output

from ._recording import RecordingClient

# Mutations reach into what they mutate.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001


@dataclass(frozen=True)
class Mutation:
    """A bug.

    Attributes:
        replacements: Dotted names and what stands there instead.
        complaint: Part of what is reported.
        hint: A seed that found it once, tried first.
    """

    replacements: Mapping[str, Any]
    complaint: str = ""
    hint: int = 1


class AcksBeforeCommit(SyncRoom):
    """A server that trusts its disk, as sync-cf does."""

    def receive(self, conn_id: Any, text: str, *, created_at: str) -> list[Effect]:
        """Answer at once what will have to be stored."""
        effects = super().receive(conn_id, text, created_at=created_at)
        if any(isinstance(effect, Append) for effect in effects):
            pushed = self._log._appending[-1]
            ack = f'{{"_tag":"WSMessage.PushAck","requestId":"{pushed.request_id}"}}'
            return [Send(conn_id, ack), *effects]
        return effects

    def appended(self) -> list[Effect]:
        """Broadcast only."""
        return [
            e for e in super().appended() if "PushAck" not in getattr(e, "text", "")
        ]


class TakesStalePushes(SyncRoom):
    """A server that forgets a push when the connection has ended before its commit."""

    def disconnect(self, conn_id: Any, *, answer_is_due: bool = False) -> list[Effect]:
        """Take what was accepted for refused."""
        effects = super().disconnect(conn_id, answer_is_due=answer_is_due)
        self._log.accepted = self._log.stored
        return effects


class DropsPending(RecordingClient):
    """A client that starts afresh when it connects again."""

    def connection_opened(self, now: float) -> None:
        """Forget what was not confirmed."""
        self._pending._first_ticket += len(self._pending._queue)
        self._pending._queue.clear()
        super().connection_opened(now)


class NeverPullsAgain(RecordingClient):
    """A client that believes to have missed nothing, as LiveStore's does."""

    def _send_pull(self) -> None:
        if self._synced:
            self._phase = type(self._phase).LIVE
        else:
            super()._send_pull()


class ForgetsWhatIsInFlight(RecordingClient):
    """A client that takes a push for done once it was sent."""

    def connection_lost(self, now: float, *, jitter: float) -> None:
        """Count what was sent as stored."""
        push = self._pusher._push
        while push is not None and self._head < push.last:
            self._pending.confirm_first(self._head)
            self._head += 1
        super().connection_lost(now, jitter=jitter)


class TrustsSilence(RecordingClient):
    """A client that sends no pings."""

    def next_deadline(self) -> float:
        """Know only when to connect."""
        deadline = super().next_deadline()
        return deadline if self._phase.name == "OFFLINE" else float("inf")


class TrustsTheCursor(LogCheck):
    """A check of a client that believes to find the log in which it has been."""

    def start(self) -> None:
        """Ask for nothing."""

    def note_short_log(self, finding: str, pending_count: int) -> None:
        """Try again for ever."""


class KnowsNothingAgain(LogCheck):
    """A check of a client that takes every log for another one."""

    def _is_last(self, event: LoggedEvent) -> bool:  # noqa: ARG002 - that is the bug
        return False


class Insists(Backoff):
    """A count of failures that never makes anybody wait."""

    def failed(self) -> float:
        """Try again at once."""
        super().failed()
        return 0.0


class WithoutJitter(RecordingClient):
    """A client that comes back when all the others do."""

    def connection_lost(self, now: float, *, jitter: float) -> None:  # noqa: ARG002 - that is the bug
        """Come back when all the others do."""
        super().connection_lost(now, jitter=1.0)


def runs_unconfirmed_claims(
    ledger: Ledger, state: NotebookState, session_id: str, **options: Any
) -> IdleStep:
    """Decide as the agent does, but believe in a claim that is not confirmed."""
    step = _queue.next_step(ledger, state, session_id, **options)
    if isinstance(step, Wait) and options["is_claiming"]:
        for execution in ledger.executions.values():
            row = state.execution_queue.get(execution.queue_id)
            if row is not None and row.assigned_runtime_session == session_id:
                cell = state.cells[execution.cell_id]
                return Run(execution.queue_id, execution.cell_id, cell.source)
    return step


def always_goes_on(*_: Any) -> Wait:
    """Go on with the cell, whoever it belongs to."""
    return Wait()


def leaves_what_others_left(
    ledger: Ledger, state: NotebookState, session_id: str, **options: Any
) -> IdleStep:
    """Decide as the agent does, but touch nothing that another session has claimed."""
    step = _queue.next_step(ledger, state, session_id, **options)
    return Wait() if isinstance(step, _queue.Fail) else step


class RunsWhatOthersLeft(Ledger):
    """A ledger in which claims end with the session that made them."""

    def _observe_session(self, event: Any) -> None:
        super()._observe_session(event)
        for queue_id, execution in self._open.items():
            self._open[queue_id] = type(execution)(
                queue_id=queue_id, cell_id=execution.cell_id
            )


class ShufflesOutputs(Gatherer):
    """A publisher that hands over backwards."""

    def take(self, now: float) -> list[Output]:
        """Hand over backwards."""
        return super().take(now)[::-1]


def always_succeeds(*args: Any, **kwargs: Any) -> Event:
    """Complete every execution as a success."""
    from runt_agent._session import completion  # noqa: PLC0415 - the original, unpatched

    ended = completion(*args, **kwargs)
    assert isinstance(ended, ExecutionCompleted)
    return replace(ended, status="success")


_CLIENT = "runt_protocol._replica.SyncClient"
_ROOM = "runt_sync._rooms.SyncRoom"
_NEXT_STEP = "runt_agent._agent.next_step"
_RUNNING_STEP = "runt_agent._agent.running_step"

MUTATIONS = {
    "the server acks before it commits": Mutation(
        {_ROOM: AcksBeforeCommit}, "acknowledged, not stored"
    ),
    "the server accepts two pushes for one place": Mutation(
        {_ROOM: TakesStalePushes}, hint=41
    ),
    "a client drops what is pending when it connects again": Mutation(
        {_CLIENT: DropsPending}
    ),
    "a client never pulls again": Mutation({_CLIENT: NeverPullsAgain}, hint=4),
    "a client takes what was sent for stored": Mutation(
        {_CLIENT: ForgetsWhatIsInFlight}, hint=4
    ),
    "a client does not look which log a server has": Mutation(
        {"runt_protocol._sync_client.LogCheck": TrustsTheCursor},
        "follows a log that is lost",
        hint=33,
    ),
    "a client takes every log for another one": Mutation(
        {"runt_protocol._sync_client.LogCheck": KnowsNothingAgain},
        "gave up a log that is still there",
    ),
    "a client dials without a pause": Mutation(
        {"runt_protocol._sync_client.Backoff": Insists}, "dials again"
    ),
    "all clients dial at the same moment": Mutation({_CLIENT: WithoutJitter}, "jitter"),
    "an agent runs what it has claimed without a confirmation": Mutation(
        {_NEXT_STEP: runs_unconfirmed_claims, _RUNNING_STEP: always_goes_on},
        "its claim is not in the log",
    ),
    "an agent runs again what a dead one had begun": Mutation(
        {"runt_agent._run_agent.Ledger": RunsWhatOthersLeft}, "was run twice", hint=5
    ),
    "an agent leaves what a dead one had begun": Mutation(
        {_NEXT_STEP: leaves_what_others_left}, "for ever", hint=5
    ),
    "outputs are handed over backwards": Mutation(
        {"runt_agent._publisher.Gatherer": ShufflesOutputs}, "shows"
    ),
    "a cell that failed is called a success": Mutation(
        {"runt_agent._agent.completion": always_succeeds}, "called a success"
    ),
}
