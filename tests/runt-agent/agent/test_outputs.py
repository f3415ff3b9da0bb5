"""Outputs on their way through an agent: few events, none too large."""

from base64 import b64encode
from typing import Any

import trio
import trio.lowlevel
from notebook_rig import Person, StartAgent

from runt_agent.testing import ScriptedWorker
from runt_protocol import (
    Artifact,
)
from runt_worker import (
    ClearOutput,
    DisplayData,
    OnOutput,
    Stream,
)


async def test_a_clear_of_the_cell_replaces_what_was_shown(
    person: Person, start_agent: StartAgent
) -> None:
    async def clearing(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(3):
            on_output(ClearOutput(wait=True))
            on_output(Stream(name="stdout", text=f"{number}\n"))
            await trio.sleep(0.12)

    await start_agent(ScriptedWorker({"clearing": clearing}))
    name = person.request("clearing")
    await person.until_status(name, "completed")

    assert person.shown(name) == ["stdout: 2\n"]


async def test_a_flood_of_text_makes_few_events(
    person: Person, start_agent: StartAgent
) -> None:
    async def flood(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(20_000):
            on_output(Stream(name="stdout", text=f"{number}\n"))
            if not number % 500:
                await trio.lowlevel.checkpoint()

    await start_agent(ScriptedWorker({"flood": flood}))
    name = person.request("flood")
    await person.until_status(name, "completed")

    [text] = person.shown(name)
    assert text == "stdout: " + "".join(f"{n}\n" for n in range(20_000))
    assert len([e for e in person.log if "Terminal" in e.name]) < 50


async def test_a_progress_bar_makes_few_events(
    person: Person, start_agent: StartAgent
) -> None:
    async def progress(_: ScriptedWorker, on_output: OnOutput) -> None:
        for number in range(300):
            on_output(Stream(name="stderr", text=f"\r{number:3}/300"))
            await trio.sleep(0.001)

    await start_agent(ScriptedWorker({"progress": progress}))
    name = person.request("progress")
    await person.until_status(name, "completed")

    [text] = person.shown(name)
    assert text.endswith("\r299/300")
    assert len(text) < 200


async def test_a_display_that_no_client_could_read_becomes_a_notice(
    person: Person, start_agent: StartAgent
) -> None:
    async def display(_worker: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        deep: Any = []
        for _ in range(500):
            deep = [deep]
        on_output(DisplayData(data={"application/json": deep}, metadata={}))
        on_output(Stream(name="stdout", text="after"))

    await start_agent(ScriptedWorker({"display": display}))
    name = person.request("display")
    await person.until_status(name, "completed")

    notice, after = person.shown(name)
    assert "cannot be kept" in notice
    assert after == "stdout: after"


async def test_outputs_of_any_size_arrive_or_say_what_is_missing(
    person: Person, start_agent: StartAgent
) -> None:
    def html(size: int) -> DisplayData:
        return DisplayData(
            data={"text/html": "h" * size, "text/plain": "a table"}, metadata={}
        )

    async def large(_: ScriptedWorker, on_output: OnOutput) -> None:
        await trio.lowlevel.checkpoint()
        on_output(html(890_000))
        on_output(html(2_000_000))
        on_output(Stream(name="stdout", text="\x01漢😀" * 500_000))
        on_output(
            DisplayData(
                data={"image/png": b64encode(b"p" * 3_000_000).decode()}, metadata={}
            )
        )

    await start_agent(ScriptedWorker({"large": large}))
    name = person.request("large")
    await person.until_status(name, "completed")
    await person.until(lambda: person.completions(name))

    fits, notice, text, _ = person.shown(name)
    assert fits == "multimedia_display: " + "h" * 890_000
    assert "a table\n[left out, too large" in notice
    assert "text/html, 2,000,0" in notice
    assert text == "stdout: " + "\x01漢😀" * 500_000
    image = person.state.outputs_of(f"c{name}")[-1].representations
    assert image is not None
    assert isinstance(image["image/png"], Artifact)
    assert max(len((e.args_text or "").encode()) for e in person.log) <= 899_000
