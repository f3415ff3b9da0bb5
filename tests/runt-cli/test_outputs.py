"""Events of an agent, through the notebook's state, into a terminal and a file."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import nbformat

from runt_cli._cell_outputs import outputs_of
from runt_cli._follower import Follower
from runt_cli._printer import Printer
from runt_cli._saved_outputs import saved_outputs
from runt_protocol import (
    Artifact,
    CellCreatedV2,
    CellOutputsCleared,
    ErrorOutputAdded,
    Event,
    Inline,
    MarkdownOutputAdded,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    NotebookState,
    TerminalOutputAdded,
    TerminalOutputAppendedV2,
)

PNG = b"\x89PNG\r\n\x1a\n the rest"


def printed(text: str, *, position: int, stream: Any = "stdout") -> Event:
    return TerminalOutputAdded(
        id=f"out-{position}",
        cell_id="c",
        position=position,
        content=Inline(data=text),
        stream_name=stream,
    )


def appended(delta: str, *, to: int, number: int) -> Event:
    return TerminalOutputAppendedV2(
        id=f"out-{to}-{number}",
        output_id=f"out-{to}",
        delta=delta,
        sequence_number=number,
    )


def displayed(
    representations: dict[str, Inline | Artifact], *, position: int = 0
) -> Event:
    return MultimediaDisplayOutputAdded(
        id=f"out-{position}",
        cell_id="c",
        position=position,
        representations=representations,
        display_id="d",
    )


def state_after(*events: Event) -> NotebookState:
    state = NotebookState()
    state.apply(
        CellCreatedV2(id="c", cell_type="code", fractional_index="a", created_by="u")
    )
    for event in events:
        state.apply(event)
    return state


def saved(*events: Event, artifacts: dict[str, bytes] | None = None) -> list[Any]:
    outputs = saved_outputs(outputs_of(state_after(*events), "c"), artifacts or {})
    untyped: Any = nbformat
    for output in outputs:
        untyped.validate(output, ref="output", version=4, version_minor=5)
    return outputs


def shown(steps: Iterable[Event]) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    printer = Printer(out, err)
    follower = Follower(printer)
    state = state_after()
    for event in steps:
        state.apply(event)
        follower.show(outputs_of(state, "c"))
    printer.end_cell()
    return out.getvalue(), err.getvalue()


def test_pieces_of_a_stream_become_one_output() -> None:
    assert saved(
        printed("a\n", position=0),
        appended("b\n", to=0, number=0),
        printed("c\n", position=1),
        printed("d\n", position=2, stream="stderr"),
    ) == [
        {"output_type": "stream", "name": "stdout", "text": "a\nb\nc\n"},
        {"output_type": "stream", "name": "stderr", "text": "d\n"},
    ]


def test_a_value_keeps_its_types_metadata_and_number() -> None:
    result = MultimediaResultOutputAdded(
        id="r",
        cell_id="c",
        position=0,
        execution_count=7,
        representations={
            "text/html": Inline(data="<table></table>", metadata={"isolated": True}),
            "text/plain": Inline(data="   x"),
            "application/json": Inline(data={"x": [1, None]}),
        },
    )
    assert saved(result) == [
        {
            "output_type": "execute_result",
            "execution_count": 7,
            "data": {
                "text/html": "<table></table>",
                "text/plain": "   x",
                "application/json": {"x": [1, None]},
            },
            "metadata": {"text/html": {"isolated": True}},
        }
    ]


def test_an_uploaded_image_comes_back_and_its_links_go() -> None:
    link = "https://host/api/artifacts/abc"
    event = displayed(
        {
            "image/png": Artifact(
                artifact_id="abc",
                metadata={"width": 10, "originalSizeBytes": 9, "uploadedAt": "now"},
            ),
            "text/plain": Inline(data="<Figure>"),
            "text/markdown": Inline(data=f"![image/png]({link})"),
        }
    )
    assert saved(event, artifacts={"abc": PNG}) == [
        {
            "output_type": "display_data",
            "data": {
                "text/plain": "<Figure>",
                "image/png": base64.b64encode(PNG).decode(),
            },
            "metadata": {"image/png": {"width": 10}},
        }
    ]


def test_of_an_image_that_cannot_be_had_the_link_stays() -> None:
    event = displayed(
        {
            "image/png": Artifact(artifact_id="abc", metadata={"width": 10}),
            "text/plain": Inline(data="[https://host/api/artifacts/abc]"),
        }
    )
    (output,) = saved(event)
    assert output["data"] == {"text/plain": "[https://host/api/artifacts/abc]"}
    assert output["metadata"] == {}


def test_uploaded_text_and_json_come_back_as_such() -> None:
    event = displayed(
        {
            "image/svg+xml": Artifact(artifact_id="svg"),
            "application/vnd.vega.v5+json": Artifact(artifact_id="json"),
        }
    )
    (output,) = saved(event, artifacts={"svg": b"<svg/>", "json": b'{"a": 1}'})
    assert output["data"] == {
        "image/svg+xml": "<svg/>",
        "application/vnd.vega.v5+json": {"a": 1},
    }


def test_odd_content_of_other_agents_still_gives_a_valid_notebook() -> None:
    error = ErrorOutputAdded(
        id="e", cell_id="c", position=1, content=Inline(data="just text")
    )
    markdown = MarkdownOutputAdded(
        id="m", cell_id="c", position=2, content=Inline(data="*hi*")
    )
    outputs = saved(displayed({"text/plain": Inline(data=1.5)}), error, markdown)
    assert outputs[0]["data"] == {"text/plain": "1.5"}
    assert (outputs[1]["ename"], outputs[1]["traceback"]) == ("Error", [])
    assert outputs[2]["data"] == {"text/markdown": "*hi*"}


def test_a_growing_stream_is_printed_once() -> None:
    assert shown(
        [
            printed("one ", position=0),
            appended("two\n", to=0, number=0),
            printed("err\n", position=1, stream="stderr"),
            printed("three", position=2),
        ]
    ) == ("one two\nthree\n", "err\n")


def test_an_updated_display_is_shown_again_and_an_unchanged_one_is_not() -> None:
    update = MultimediaDisplayOutputUpdated(
        display_id="d", representations={"text/plain": Inline(data="after")}
    )
    out, _ = shown([displayed({"text/plain": Inline(data="before")}), update, update])
    assert out == "before\nafter\n"


def test_output_after_a_clear_is_shown() -> None:
    clear = CellOutputsCleared(cell_id="c", wait=False, cleared_by="runtime")
    again = TerminalOutputAdded(
        id="later",
        cell_id="c",
        position=0,
        content=Inline(data="new\n"),
        stream_name="stdout",
    )
    assert shown([printed("old\n", position=0), clear, again])[0] == "old\nnew\n"


def test_an_image_without_text_is_named_by_its_type() -> None:
    out, _ = shown([displayed({"image/png": Artifact(artifact_id="abc")})])
    assert out == "[image/png]\n"


def test_a_raised_exception_is_shown_with_its_traceback() -> None:
    error = {"ename": "E", "evalue": "v", "traceback": ["line 1", "line 2"]}
    event = ErrorOutputAdded(
        id="e", cell_id="c", position=0, content=Inline(data=error)
    )
    assert shown([event])[1] == "line 1\nline 2\n"
    assert saved(event) == [{"output_type": "error", **error}]
