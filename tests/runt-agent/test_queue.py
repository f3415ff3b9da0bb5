from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from runt_agent._ledger import Ledger
from runt_agent._queue import (
    Claim,
    Displace,
    Displaced,
    Fail,
    IdleStep,
    Interrupt,
    Repair,
    Run,
    Wait,
    next_step,
    running_step,
)
from runt_agent._session import SUCCESS, Session, completion, displacement
from runt_protocol import (
    AllExecutionsCancelled,
    CellCreatedV2,
    CellDeleted,
    CellSourceChanged,
    Event,
    ExecutionCancelled,
    ExecutionRequested,
    LoggedEvent,
    NotebookState,
    encode_event,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = Session(session_id="ours", runtime_id="r")
THEIRS = Session(session_id="theirs", runtime_id="r")
CellType = Literal["code", "markdown", "sql", "ai", "raw"]


class Log:
    """A confirmed log, with the ledger and the tables that it leads to."""

    def __init__(self, *events: Event) -> None:
        self.ledger = Ledger()
        self.state = NotebookState()
        self.add(*events)

    def add(self, *events: Event) -> None:
        for event in events:
            self.state.apply(event)
            encoded = encode_event(event)
            self.ledger.observe(
                LoggedEvent(
                    name=encoded.name,
                    args_text=encoded.args_text,
                    seq_num=1,
                    parent_seq_num=0,
                    client_id="c",
                    session_id="s",
                )
            )

    def step(
        self, *, is_claiming: bool = False, done: AbstractSet[str] = frozenset()
    ) -> IdleStep:
        return next_step(
            self.ledger, self.state, "ours", is_claiming=is_claiming, done=done
        )


def cell(cell_id: str = "c", cell_type: CellType = "code") -> list[Event]:
    return [
        CellCreatedV2(
            id=cell_id, fractional_index="a0", cell_type=cell_type, created_by="u"
        ),
        CellSourceChanged(id=cell_id, source="1 + 1", modified_by="u"),
    ]


def requested(queue_id: str, cell_id: str = "c") -> Event:
    return ExecutionRequested(
        queue_id=queue_id, cell_id=cell_id, execution_count=1, requested_by="u"
    )


def cancelled(queue_id: str) -> Event:
    return ExecutionCancelled(
        queue_id=queue_id, cell_id="c", cancelled_by="u", reason="wish"
    )


def completed(queue_id: str) -> Event:
    return completion(queue_id, "c", SUCCESS, now=NOW)


def test_with_nothing_requested_the_agent_waits() -> None:
    assert Log(*OURS.takeover([])).step() == Wait()


def test_the_first_request_is_claimed_first() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q2"), requested("q1"))

    assert log.step() == Claim("q2")
    assert log.step(is_claiming=True) == Wait()


def test_nothing_runs_before_its_claim_is_confirmed() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"))
    log.state.apply(OURS.claim("q"))  # pending: the tables show it, the ledger does not

    assert log.step(is_claiming=True) == Wait()

    log.add(OURS.claim("q"))
    assert log.step() == Run("q", "c", "1 + 1")


def test_the_cell_runs_with_the_source_that_it_has_now() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    log.add(CellSourceChanged(id="c", source="2", modified_by="u"))

    assert log.step() == Run("q", "c", "2")


def test_what_is_done_is_not_done_again_while_that_is_unconfirmed() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    assert log.step(done={"q"}) == Wait()


@pytest.mark.parametrize(
    ("cell_type", "words"),
    [
        ("markdown", "a markdown cell"),
        ("raw", "a raw cell"),
        ("sql", "a sql cell"),
        ("ai", "an ai cell"),
    ],
)
def test_only_code_is_run(cell_type: CellType, words: str) -> None:
    log = Log(*cell("c", cell_type), *OURS.takeover([]), requested("q"))
    assert log.step() == Claim("q")

    log.add(OURS.claim("q"))

    step = log.step()
    assert isinstance(step, Fail)
    assert step.reason.endswith(words)


def test_a_cell_that_is_gone_is_not_run() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    log.add(CellDeleted(id="c"))

    assert log.step() == Fail("q", "c", "the cell is gone")


@pytest.mark.parametrize("has_started", [False, True])
def test_what_a_dead_session_left_fails(has_started: bool) -> None:  # noqa: FBT001 - a case
    log = Log(*cell(), *THEIRS.takeover([]), requested("q"), THEIRS.claim("q"))
    if has_started:
        log.add(*THEIRS.start("q", "c", NOW))

    log.add(*OURS.takeover(["theirs"]))

    step = log.step()
    assert isinstance(step, Fail)
    assert "theirs" in step.reason


def test_a_claim_of_a_session_that_was_over_counts_for_nothing() -> None:
    log = Log(*cell(), *THEIRS.takeover([]), requested("q"))

    log.add(*OURS.takeover(["theirs"]), THEIRS.claim("q"))

    assert log.state.execution_queue["q"].assigned_runtime_session == "theirs"
    assert log.step() == Claim("q")


def test_a_session_that_is_not_in_charge_stops() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    log.add(*THEIRS.takeover(["ours"]))

    assert log.step() == Displaced("theirs")
    assert running_step(log.ledger, "ours", "q") == Displaced("theirs")


def test_a_session_that_was_only_ended_has_no_successor_yet() -> None:
    log = Log(*OURS.takeover([]), displacement("ours"))

    assert log.step() == Displaced(None)


def test_of_two_that_started_at_once_the_second_ends_the_first() -> None:
    log = Log(*THEIRS.takeover([]), *OURS.takeover([]))

    assert log.step() == Displace("theirs")

    log.state.apply(displacement("theirs"))  # committed, not confirmed
    assert log.step() == Wait()


@pytest.mark.parametrize("ending", [cancelled("q"), completed("q")])
def test_an_end_that_our_late_claim_undid_is_said_again(ending: Event) -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), ending, OURS.claim("q"))

    assert log.step() == Repair(ending)  # pyright: ignore[reportArgumentType] - both are endings
    log.state.apply(ending)
    assert log.step() == Wait()


def test_a_session_that_lives_repairs_its_own_late_claims() -> None:
    log = Log(*cell(), *THEIRS.takeover([]), requested("q"), cancelled("q"))
    log.add(*OURS.takeover([]), THEIRS.claim("q"))
    log.state.apply(displacement("theirs"))

    assert log.step() == Wait()

    log.add(displacement("theirs"))
    assert log.step() == Repair(cancelled("q"))  # pyright: ignore[reportArgumentType] - it is an ending


def test_a_running_cell_goes_on_while_it_is_wanted() -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    assert running_step(log.ledger, "ours", "q") == Wait()

    log.add(requested("q2"), cancelled("q2"))
    assert running_step(log.ledger, "ours", "q") == Wait()


@pytest.mark.parametrize(
    "ending", [cancelled("q"), AllExecutionsCancelled(), completed("q")]
)
def test_a_running_cell_that_is_not_wanted_any_more_is_interrupted(
    ending: Event,
) -> None:
    log = Log(*cell(), *OURS.takeover([]), requested("q"), OURS.claim("q"))

    log.add(ending)

    assert running_step(log.ledger, "ours", "q") == Interrupt()


class QueueMachine(RuleBasedStateMachine):
    """One agent that does what the steps say, while people do as they like.

    What the agent commits is confirmed after a while, in order; until then events of
    others come before it, and its tables show the pending ones on top.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log = Log(*cell("c"), *cell("m", "markdown"), *OURS.takeover([]))
        self.pending: list[Event] = []
        self.claiming: str | None = None
        self.done: set[str] = set()
        self.running: Run | None = None
        self.ran: list[str] = []
        self.requests = 0

    @rule(cell_id=st.sampled_from(["c", "m", "gone"]))
    def someone_requests(self, cell_id: str) -> None:
        self.requests += 1
        self.log.add(requested(f"q{self.requests}", cell_id))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def someone_cancels(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.requests))
        self.log.add(cancelled(f"q{number}"))

    @rule()
    def someone_cancels_everything(self) -> None:
        self.log.add(AllExecutionsCancelled())

    @rule()
    def the_server_confirms(self) -> None:
        if self.pending:
            self.log.add(self.pending.pop(0))
        if self.claiming and OURS.claim(self.claiming) not in self.pending:
            self.claiming = None

    @precondition(lambda self: self.running is None)
    @rule()
    def the_agent_steps(self) -> None:
        undo = [self.log.state.apply(event) for event in self.pending]
        step = self.log.step(is_claiming=self.claiming is not None, done=self.done)
        for change in reversed(undo):
            self.log.state.revert(change)
        match step:
            case Claim(queue_id):
                self.claiming = queue_id
                self.pending.append(OURS.claim(queue_id))
            case Run(queue_id, cell_id):
                assert cell_id == "c"
                self.running = step
                self.ran.append(queue_id)
                self.pending += OURS.start(queue_id, cell_id, NOW)
            case Fail(queue_id, cell_id):
                assert cell_id != "c"
                self.complete(queue_id)
            case Repair(ending):
                self.pending.append(ending)
            case _:
                assert step == Wait()

    @precondition(lambda self: self.running is not None)
    @rule()
    def the_cell_ends(self) -> None:
        assert self.running is not None
        queue_id, self.running = self.running.queue_id, None
        if running_step(self.log.ledger, "ours", queue_id) == Wait():
            self.complete(queue_id)

    def complete(self, queue_id: str) -> None:
        self.done.add(queue_id)
        self.pending.append(completed(queue_id))

    @invariant()
    def nothing_runs_twice(self) -> None:
        assert len(self.ran) == len(set(self.ran))

    def teardown(self) -> None:
        """Let the agent finish: nothing is left open, in the ledger or the tables."""
        for _ in range(20 * (self.requests + 1)):
            self.the_agent_steps()
            self.the_server_confirms()
            if self.running is not None:
                self.the_cell_ends()
        assert not self.log.ledger.executions
        assert {row.status for row in self.log.state.execution_queue.values()} <= {
            "completed",
            "failed",
            "cancelled",
        }


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=60, stateful_step_count=30)
