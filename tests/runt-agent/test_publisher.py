from collections.abc import Callable

import pytest
import trio

from runt_agent import Limits, Service
from runt_agent._artifacts import ArtifactStore
from runt_agent._outputs import CellOutputs
from runt_agent._publisher import OutputPublisher
from runt_protocol import Event, InvalidEventError, TerminalOutputAdded
from runt_worker import DisplayData, Stream

LIMITS = Limits(output_interval_s=0.2)


def publisher_to(commit: Callable[[Event], None]) -> OutputPublisher:
    service = Service(sync_url="ws://127.0.0.1:9/livestore", auth_token="t")
    return OutputPublisher(
        outputs=CellOutputs(cell_id="c", id_prefix="o", cleared_by="r", limits=LIMITS),
        artifacts=ArtifactStore(service=service, notebook_id="nb", limits=LIMITS),
        commit=commit,
        limits=LIMITS,
    )


def out(text: str) -> Stream:
    return Stream(name="stdout", text=text)


async def test_what_is_there_at_once_goes_in_one_batch(
    autojump_clock: trio.testing.MockClock,
) -> None:
    events: list[Event] = []
    publisher = publisher_to(events.append)

    for text in ("a", "b", "c"):
        publisher.receive(out(text))
    publisher.close()
    await publisher.run()

    assert len(events) == 1
    assert autojump_clock.current_time() == 0


async def test_the_first_text_goes_at_once_and_the_next_after_the_interval(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    times: list[float] = []
    publisher = publisher_to(lambda _: times.append(trio.current_time()))
    nursery.start_soon(publisher.run)

    for _ in range(30):
        publisher.receive(out("x"))
        await trio.sleep(0.01)
    publisher.close()
    await trio.testing.wait_all_tasks_blocked()

    assert times == pytest.approx([0.0, 0.2, 0.3])
    assert autojump_clock.current_time() == pytest.approx(0.3)


async def test_only_media_can_be_left_out() -> None:
    def refuse(event: Event) -> None:
        raise InvalidEventError(event.event_name, "a bad day")

    publisher = publisher_to(refuse)
    publisher.receive(out("x"))
    publisher.close()

    with pytest.raises(InvalidEventError):
        await publisher.run()


async def test_media_that_are_refused_give_a_notice_in_their_place() -> None:
    events: list[Event] = []

    def refuse_html(event: Event) -> None:
        if "html" in str(event):
            raise InvalidEventError(event.event_name, "a bad day")
        events.append(event)

    publisher = publisher_to(refuse_html)
    publisher.receive(DisplayData(data={"text/html": "<b>"}, metadata={}))
    publisher.receive(out("after"))
    publisher.close()
    await publisher.run()

    notice, after = events
    assert "a bad day" in str(notice)
    assert isinstance(after, TerminalOutputAdded)
    assert after.position == 1
