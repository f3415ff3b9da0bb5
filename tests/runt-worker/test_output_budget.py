"""How much a cell may show: nothing is lost up to the limit, then one notice."""

from hypothesis import given
from hypothesis import strategies as st

from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    Limits,
    Output,
    Stream,
    UpdateDisplayData,
    WorkerOptions,
    open_worker,
)
from runt_worker._output_budget import OutputBudget
from runt_worker.testing import run_cell

MEBIBYTE = 1024 * 1024


def stdout(outputs: list[Output]) -> str:
    return "".join(
        output.text
        for output in outputs
        if isinstance(output, Stream) and output.name == "stdout"
    )


def notices(outputs: list[Output]) -> list[str]:
    return [
        output.text
        for output in outputs
        if isinstance(output, Stream) and output.name == "stderr"
    ]


def picture(size: int) -> DisplayData:
    return DisplayData(data={"image/png": "A" * size}, metadata={})


def budget(shown: list[Output], **limits: int | None) -> OutputBudget:
    return OutputBudget(shown.append, Limits(**limits))  # pyright: ignore[reportArgumentType] - none of these is a time


@given(texts=st.lists(st.text(), max_size=20), allowed=st.integers(0, 100))
def test_text_is_shown_up_to_the_limit_and_the_rest_is_counted(
    texts: list[str], allowed: int
) -> None:
    texts = [text.encode(errors="replace").decode() for text in texts]
    shown: list[Output] = []
    it = budget(shown, max_output_bytes=allowed)
    for text in texts:
        it.show(Stream(name="stdout", text=text))
    it.close()
    whole = "".join(texts).encode()
    kept = stdout(shown).encode()
    assert whole.startswith(kept)
    if len(whole) <= allowed:
        assert kept == whole
        assert not notices(shown)
    else:
        assert allowed - 4 < len(kept) <= allowed
        limit, rest = notices(shown)
        assert "--max-output" in limit
        assert f"{len(whole) - len(kept):,} bytes of output were left out" in rest


def test_a_display_is_shown_whole_or_not_at_all() -> None:
    shown: list[Output] = []
    it = budget(shown, max_output_bytes=12_000)
    for _ in range(5):
        it.show(picture(3_000))
    it.show(Stream(name="stdout", text="not any more"))
    it.close()
    assert shown[:3] == [picture(3_000)] * 3
    assert stdout(shown) == ""
    assert len(notices(shown)) == 2


def test_the_number_of_outputs_is_limited_however_small_they_are() -> None:
    shown: list[Output] = []
    it = budget(shown, max_outputs=10)
    for _ in range(10):
        it.show(Stream(name="stdout", text="o"))
        it.show(Stream(name="stderr", text="e"))
    it.close()
    assert sum(isinstance(o, Stream) and len(o.text) == 1 for o in shown) == 10
    assert "more than 10 outputs" in notices(shown)[-2]


def test_text_that_goes_on_and_updates_are_no_further_outputs() -> None:
    shown: list[Output] = []
    it = budget(shown, max_outputs=2)
    for _ in range(100):
        it.show(Stream(name="stdout", text="x"))
    it.show(DisplayData(data={}, metadata={}, display_id="bar"))
    for _ in range(100):
        it.show(UpdateDisplayData(data={}, metadata={}, display_id="bar"))
    it.close()
    assert len(shown) == 201


def test_clearing_costs_something_too() -> None:
    shown: list[Output] = []
    it = budget(shown, max_output_bytes=MEBIBYTE)
    for _ in range(100_000):
        it.show(ClearOutput(wait=False))
    assert len(shown) < 10_000


def test_the_error_that_ended_a_cell_is_shown_in_any_case() -> None:
    shown: list[Output] = []
    it = budget(shown, max_output_bytes=10)
    error = Error(ename="ValueError", evalue="x", traceback=["ValueError: x"])
    it.show(Stream(name="stdout", text="x" * 11))
    it.show(error)
    it.close()
    assert shown[-1] == error


def test_without_limits_everything_is_shown() -> None:
    shown: list[Output] = []
    it = budget(shown, max_output_bytes=None, max_outputs=None)
    for _ in range(20_000):
        it.show(picture(10))
    it.close()
    assert len(shown) == 20_000


async def test_a_cell_that_writes_too_much_goes_on_and_the_next_has_its_own() -> None:
    options = WorkerOptions(limits=Limits(max_output_bytes=MEBIBYTE))
    async with open_worker(options) as worker:
        code = "for n in range(200_000): print(f'{n:099}')\ndone = 42"
        ran = await run_cell(worker, code)
        assert ran.status == "ok"
        expected = "".join(f"{n:099}\n" for n in range(11_000))[:MEBIBYTE]
        assert ran.text() == expected
        assert ran.text("stderr").count("more than 1 MB (--max-output)") == 1
        assert f"{20_000_000 - MEBIBYTE:,} bytes" in ran.text("stderr")
        assert (await run_cell(worker, "print(done)")).text() == "42\n"
        # The last words of a cell come through.
        failed = await run_cell(worker, "print('x' * 2_000_000)\n1 / 0")
        assert failed.errors() == ["ZeroDivisionError"]


async def test_a_display_id_is_bounded_too() -> None:
    async with open_worker() as worker:
        ran = await run_cell(worker, "display(1, display_id='i' * 1001)")
        assert ran.status == "ValueError"
        assert (await run_cell(worker, "display(1, display_id='i' * 1000)")).reply
