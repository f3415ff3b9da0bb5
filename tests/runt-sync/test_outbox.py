"""The queue of frames for one socket."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from runt_sync import Limits
from runt_sync._outbox import Outbox

LIMITS = Limits(max_queued_chars=100, max_queued_frames=4)


async def test_frames_come_out_in_order_and_then_the_end() -> None:
    outbox = Outbox(LIMITS)
    assert outbox.put("a")
    assert outbox.put("b", probe=7)
    outbox.close(discard=False)
    assert [await outbox.get() for _ in range(3)] == [("a", None), ("b", 7), None]


async def test_what_waits_can_be_dropped() -> None:
    outbox = Outbox(LIMITS)
    outbox.put("a")
    outbox.close(discard=True)
    assert outbox.put("late"), "what comes after the end has missed nothing"
    assert await outbox.get() is None


@pytest.mark.parametrize("frames", [["x"] * 5, ["x" * 60, "x" * 60]])
def test_a_full_queue_takes_no_more(frames: list[str]) -> None:
    outbox = Outbox(LIMITS)
    assert [outbox.put(frame) for frame in frames][-2:] == [True, False]


def test_one_frame_always_fits_however_large() -> None:
    assert Outbox(LIMITS).put("x" * 101)


async def test_drained_waits_for_the_writer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    outbox = Outbox(LIMITS)
    outbox.put("a")
    with trio.move_on_after(1) as waiting:
        await outbox.drained()
    assert waiting.cancelled_caught
    await outbox.get()
    await outbox.drained()
    assert autojump_clock.current_time() < 2


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=30))
def test_bounds_hold_whatever_comes_and_goes(steps: list[str | None]) -> None:
    """A text is put, None is a frame taken out."""

    async def run() -> None:
        outbox, model = Outbox(LIMITS), list[str]()
        for step in steps:
            if step is not None:
                fits = not model or (
                    len(model) < 4 and len("".join([*model, step])) <= 100
                )
                assert outbox.put(step) is fits
                model += [step] * fits
            elif model:
                assert await outbox.get() == (model.pop(0), None)

    trio.run(run)
