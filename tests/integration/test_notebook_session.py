"""Cells run in the real sandbox and come back through the real sync server."""

import json
import re
from typing import cast

import httpx
from notebook_rig import Person, StartAgent

from runt_agent import DisplacedError
from runt_protocol import Artifact, materialize
from runt_sync import Server

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

RICH = """
import sys
from IPython.display import HTML, display

print("to stdout")
print("to stderr", file=sys.stderr)
handle = display(HTML("<b>first</b>"), display_id=True)
handle.update(HTML("<b>second</b>"))
answer = 6 * 7
answer
"""

PICTURE = """
import os
from IPython.display import Image, display
display(Image(data=b"\\x89PNG\\r\\n\\x1a\\n" + os.urandom(10_000), format="png"))
"""

CLEARED = """
from IPython.display import clear_output
for number in range(3):
    clear_output(wait=True)
    print(number)
"""


async def test_outputs_of_every_kind_reach_the_other_client(
    person: Person, start_agent: StartAgent, server: Server
) -> None:
    await start_agent()

    outputs = await person.run(RICH)
    texts = [person.state.text_of(output) for output in outputs]
    assert [(o.stream_name or o.output_type, o.position) for o in outputs] == [
        ("stdout", 0),
        ("stderr", 1),
        ("multimedia_display", 2),
        ("multimedia_result", 3),
    ]
    assert texts == ["to stdout\n", "to stderr\n", "<b>second</b>", "42"]

    # The Python of the notebook lives on from cell to cell.
    [result] = await person.run("answer + 1")
    assert result.data == "43"

    [error] = await person.run("1 / 0")
    raised = json.loads(cast("str", error.data))
    assert raised["ename"] == "ZeroDivisionError"
    assert "1 / 0" in COLOUR.sub("", "\n".join(raised["traceback"]))
    assert person.status("3") == "failed"
    assert person.state.cells["c3"].execution_state == "error"

    [cleared] = await person.run(CLEARED)
    assert person.state.text_of(cleared) == "2\n"

    [picture] = await person.run(PICTURE)
    assert picture.representations is not None
    image = picture.representations["image/png"]
    assert isinstance(image, Artifact)
    async with httpx.AsyncClient() as client:
        url = f"{server.base_url}/api/artifacts/{image.artifact_id}"
        stored = await client.get(url)
    assert stored.content.startswith(b"\x89PNG")
    assert len(stored.content) == 10_008

    # Whoever reads the log alone sees the same notebook, and can read all of it.
    await person.notebook.flush()
    replayed = materialize(person.log)
    assert not replayed.skipped
    assert replayed == person.state.tables()


async def test_a_hundred_thousand_prints_are_whole_and_few_events(
    person: Person, start_agent: StartAgent
) -> None:
    await start_agent()

    [output] = await person.run("for number in range(100_000): print(number)")

    text = person.state.text_of(output)
    assert text == "".join(f"{number}\n" for number in range(100_000))
    assert len([e for e in person.log if "Terminal" in e.name]) < 100


async def test_a_cancelled_cell_is_interrupted_and_its_python_lives_on(
    person: Person, start_agent: StartAgent
) -> None:
    await start_agent()
    await person.run("kept = 'still here'")
    name = person.request("print('begun')\nwhile True: pass")
    await person.until(lambda: "begun" in person.text(name))

    person.cancel(name)
    [result] = await person.run("kept")

    assert result.data == "'still here'"
    assert person.status(name) == "cancelled"
    assert "KeyboardInterrupt" in person.text(name)
    assert person.completions(name) == []


async def test_a_second_agent_takes_the_notebook_over(
    person: Person, start_agent: StartAgent
) -> None:
    old = await start_agent()
    name = person.request("print('begun')\nwhile True: pass")
    await person.until(lambda: "begun" in person.text(name))

    new = await start_agent()
    await old.wait_ended()

    assert isinstance(old.error, DisplacedError)
    assert old.error.new_session_id == new.session_id
    await person.until_ended(name)
    assert person.status(name) == "failed"
    [result] = await person.run("'from the new one'")
    assert result.data == "'from the new one'"
