"""How fast a cell may show: past that it is held back, and nothing is lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker import Limits, Output, Stream, WorkerOptions, open_worker
from runt_worker._output_budget import OutputBudget
from runt_worker._output_rate import OutputRate
from runt_worker.testing import run_cell

MEBIBYTE = 1024 * 1024
SLOWED = "slowed down"

amounts = st.lists(st.tuples(st.integers(0, 100), st.floats(0, 5)), max_size=50)


@given(amounts, st.integers(1, 50), st.integers(0, 100))
def test_whoever_heeds_the_pauses_stays_within_rate_and_burst(
    shown: list[tuple[int, float]], rate: int, burst: int
) -> None:
    it = OutputRate(rate, burst)
    now = start = 1000.0
    total = 0
    it.pause_s(now)
    for amount, until_next_s in shown:
        it.add(amount)
        total += min(amount, rate)
        now += it.pause_s(now)
        # What came at once may be more than the burst; it is paid for afterwards.
        assert total <= burst + rate * (now - start) + 1e-6 * rate + total * 1e-9
        now += until_next_s


@given(st.integers(0, 100))
def test_a_burst_costs_nothing_and_what_is_over_it_its_time(over: int) -> None:
    it = OutputRate(10.0, 100.0)
    for _ in range(100 + over):
        it.add(1)
    assert it.pause_s(0.0) == over / 10
    assert it.pause_s(over / 10) == pytest.approx(0)


def test_it_is_said_once() -> None:
    shown: list[Output] = []
    limits = Limits(max_output_rate=10, output_burst_s=1.0)
    it = OutputBudget(shown.append, limits)
    for number in range(5):
        for _ in range(3):
            it.show(Stream(name="stdout", text="x" * 100))
        assert it.pause_s(float(number)) > 0
    assert sum(SLOWED in str(output) for output in shown) == 1


def test_new_outputs_have_a_rate_and_what_updates_them_has_none() -> None:
    it = OutputBudget(lambda _: None, Limits(max_outputs_rate=2, output_burst_s=1.0))
    for _ in range(100):
        it.show(Stream(name="stdout", text="x"))
    assert it.pause_s(0.0) == 0
    for name in ("stderr", "stdout", "stderr", "stdout"):
        it.show(Stream(name=name, text="x"))
    assert it.pause_s(0.0) > 0


def test_what_is_not_shown_keeps_nobody_waiting() -> None:
    limits = Limits(max_output_bytes=100, max_output_rate=10, output_burst_s=1.0)
    it = OutputBudget(lambda _: None, limits)
    for _ in range(50):
        it.show(Stream(name="stdout", text="x" * 20))
    assert it.pause_s(0.0) == 0


def test_nobody_waits_long_for_one_large_output() -> None:
    it = OutputRate(10.0, 100.0)
    it.add(95)
    for _ in range(10):
        it.add(1)
    it.add(10**9)
    assert it.pause_s(0.0) <= 2


async def test_a_cell_that_writes_too_fast_is_slowed_down_and_loses_nothing() -> None:
    limits = Limits(max_output_rate=MEBIBYTE, output_burst_s=0.5)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        started = time.perf_counter()
        ran = await run_cell(worker, "for n in range(25_000): print(f'{n:099}')")
        took_s = time.perf_counter() - started
        assert ran.status == "ok"
        assert ran.text() == "".join(f"{n:099}\n" for n in range(25_000))
        assert ran.text("stderr").count(SLOWED) == 1
        assert took_s > 1.0  # 2.4 MB; only what is on its way is not waited for
        quick = await run_cell(worker, "print('x' * 1000)")
        assert quick.text("stderr") == ""


async def test_a_cell_that_is_held_back_ends_soon_when_it_is_told_to() -> None:
    # To drain what is on its way would take half a minute.
    limits = Limits(max_output_rate=MEBIBYTE // 10, output_burst_s=0.1)
    async with open_worker(WorkerOptions(limits=limits)) as worker:
        flood = "while True: print('x' * 1000)"
        ran = await run_cell(worker, flood, interrupt_after_s=1.0)
        assert ran.status == "KeyboardInterrupt"
        assert ran.ended - ran.interrupted < 5
        assert (await run_cell(worker, "print(1)")).text() == "1\n"
