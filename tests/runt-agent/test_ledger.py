"""The rule that no execution is run twice, on logs of any order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runt_agent._ledger import Ledger, OpenExecution
from runt_agent._session import SUCCESS as SUCCEEDED
from runt_agent._session import Session, completion
from runt_protocol import (
    AllExecutionsCancelled,
    Event,
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionRequested,
    ExecutionStarted,
    LoggedEvent,
    MultipleExecutionRequested,
    RequestedCell,
    RuntimeSessionTerminated,
    encode_event,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def started(session_id: str) -> Event:
    return Session(session_id=session_id, runtime_id="r").takeover([])[0]


def terminated(session_id: str) -> Event:
    return RuntimeSessionTerminated(session_id=session_id, reason="shutdown")


def requested(queue_id: str) -> Event:
    return ExecutionRequested(
        queue_id=queue_id, cell_id=f"{queue_id}c", execution_count=1, requested_by="u"
    )


def assigned(queue_id: str, session_id: str) -> Event:
    return ExecutionAssigned(queue_id=queue_id, runtime_session_id=session_id)


def begun(queue_id: str, session_id: str) -> Event:
    return ExecutionStarted(
        queue_id=queue_id,
        cell_id=f"{queue_id}c",
        runtime_session_id=session_id,
        started_at=NOW,
    )


def completed(queue_id: str) -> Event:
    return completion(queue_id, f"{queue_id}c", SUCCEEDED, now=NOW)


def cancelled(queue_id: str) -> Event:
    return ExecutionCancelled(
        queue_id=queue_id, cell_id=f"{queue_id}c", cancelled_by="u", reason="wish"
    )


def logged(event: Event, seq_num: int = 1) -> LoggedEvent:
    encoded = encode_event(event)
    return LoggedEvent(
        name=encoded.name,
        args_text=encoded.args_text,
        seq_num=seq_num,
        parent_seq_num=seq_num - 1,
        client_id="c",
        session_id="s",
    )


def ledger_of(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.observe(logged(event))
    return ledger


def test_the_session_that_started_last_is_in_charge() -> None:
    assert ledger_of().in_charge is None
    assert ledger_of(started("A")).in_charge == "A"
    assert ledger_of(started("A"), started("B")).in_charge == "B"
    assert ledger_of(started("A"), started("B"), started("A")).in_charge == "A"
    assert ledger_of(started("A"), started("B"), terminated("B")).in_charge == "A"
    assert ledger_of(started("A"), terminated("A")).in_charge is None


def test_a_session_is_over_once_another_is_in_charge_or_none() -> None:
    assert not ledger_of().is_over("A")
    assert not ledger_of(started("B")).is_over("A")
    assert not ledger_of(started("A")).is_over("A")
    assert ledger_of(started("A"), started("B")).is_over("A")
    assert ledger_of(started("A"), terminated("A")).is_over("A")


def test_the_first_claim_counts() -> None:
    ledger = ledger_of(
        started("B"),
        requested("q"),
        assigned("q", "B"),
        started("A"),
        assigned("q", "A"),
    )

    assert ledger.executions["q"].session_id == "B"


def test_only_who_is_in_charge_can_claim() -> None:
    ledger = ledger_of(started("A"), started("B"), requested("q"), assigned("q", "A"))

    assert ledger.executions["q"].session_id is None


def test_executions_stand_in_the_order_of_their_requests() -> None:
    both = MultipleExecutionRequested(
        requested_by="u",
        cells_info=[
            RequestedCell(id="c", execution_count=1, queue_id=queue_id)
            for queue_id in ("q2", "q1")
        ],
    )

    ledger = ledger_of(requested("q3"), both, requested("q3"), requested("q0"))

    assert list(ledger.executions) == ["q3", "q2", "q1", "q0"]
    assert ledger.executions["q2"] == OpenExecution(queue_id="q2", cell_id="c")


def test_what_has_ended_stays_so() -> None:
    for ending in (completed("q"), cancelled("q"), AllExecutionsCancelled()):
        ledger = ledger_of(
            started("A"), requested("q"), ending, requested("q"), assigned("q", "A")
        )

        assert ledger.executions == {}


def test_a_late_claim_is_noted_until_the_end_is_said_again() -> None:
    ledger = ledger_of(started("A"), requested("q"), cancelled("q"))
    assert list(ledger.disturbed()) == []

    ledger.observe(logged(assigned("q", "A")))
    ledger.observe(logged(begun("q", "A")))
    assert list(ledger.disturbed()) == [("A", cancelled("q"))]

    ledger.observe(logged(cancelled("q")))
    assert list(ledger.disturbed()) == []


def test_a_late_start_behind_the_end_of_everything_is_noted_too() -> None:
    ledger = ledger_of(started("A"), requested("q"), AllExecutionsCancelled())

    ledger.observe(logged(begun("q", "A")))

    [(session_id, ending)] = ledger.disturbed()
    assert session_id == "A"
    assert isinstance(ending, ExecutionCancelled)
    assert (ending.queue_id, ending.cell_id) == ("q", "qc")


def test_events_that_nobody_can_read_are_passed_over() -> None:
    ledger = ledger_of(started("A"), requested("q"))

    for name, args_text in [
        ("v1.ExecutionAssigned", '{"queueId":7}'),
        ("v1.ExecutionAssigned", None),
        ("v9.ExecutionAssigned", '{"queueId":"q","runtimeSessionId":"A"}'),
    ]:
        ledger.observe(
            LoggedEvent(
                name=name,
                args_text=args_text,
                seq_num=1,
                parent_seq_num=0,
                client_id="c",
                session_id="s",
            )
        )

    assert ledger.executions["q"].session_id is None


@dataclass
class Witness:
    """An agent that runs whatever its ledger gives it, and never twice by itself."""

    session_id: str
    ledger: Ledger = field(default_factory=Ledger)
    ran: set[str] = field(default_factory=set[str])

    def observe(self, event: Event) -> None:
        self.ledger.observe(logged(event))
        if self.ledger.in_charge == self.session_id:
            self.ran |= {
                execution.queue_id
                for execution in self.ledger.executions.values()
                if execution.session_id == self.session_id
            }


# Few names, and mostly what leads to claims: else claims hardly ever meet.
QUEUE_IDS = st.sampled_from(["q1", "q2"])
SESSION_IDS = st.sampled_from(["A", "B"])
EVENTS = st.one_of(
    st.builds(started, SESSION_IDS),
    st.builds(requested, QUEUE_IDS),
    st.builds(assigned, QUEUE_IDS, SESSION_IDS),
    st.builds(assigned, QUEUE_IDS, SESSION_IDS),
    st.builds(assigned, QUEUE_IDS, SESSION_IDS),
    st.builds(terminated, SESSION_IDS),
    st.builds(begun, QUEUE_IDS, SESSION_IDS),
    st.builds(completed, QUEUE_IDS),
    st.builds(cancelled, QUEUE_IDS),
    st.builds(AllExecutionsCancelled),
)


@given(st.lists(EVENTS, max_size=30))
def test_no_execution_is_run_by_two_sessions_whatever_the_log_says(
    events: list[Event],
) -> None:
    witnesses = [Witness("A"), Witness("B")]

    for event in events:
        for witness in witnesses:
            witness.observe(event)

    ran = [queue_id for witness in witnesses for queue_id in witness.ran]
    assert len(ran) == len(set(ran))


@given(st.lists(EVENTS, max_size=30))
def test_an_execution_ends_once(events: list[Event]) -> None:
    ledger = Ledger()
    ended: set[str] = set()

    for event in events:
        before = set(ledger.executions)
        ledger.observe(logged(event))
        ended |= before - set(ledger.executions)

        assert ended.isdisjoint(ledger.executions)
        assert {ending.queue_id for _, ending in ledger.disturbed()} <= ended
