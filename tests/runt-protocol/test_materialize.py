"""Event lists to tables, with what was skipped on the way."""

import json
from collections.abc import Mapping

import pytest

from runt_protocol import (
    EncodedEvent,
    LoggedEvent,
    NotebookState,
    SkippedEvent,
    materialize,
)

TITLE = [{"key": "title", "value": "t"}]


def logged(args_text: str | None) -> LoggedEvent:
    return LoggedEvent(
        name="v1.NotebookTitleChanged",
        args_text=args_text,
        seq_num=1,
        parent_seq_num=0,
        client_id="c",
        session_id="s",
    )


@pytest.mark.parametrize(
    "event",
    [
        {"name": "v1.NotebookTitleChanged", "args": {"title": "t"}},
        {"name": "v1.NotebookTitleChanged", "args": {"title": "t"}, "seqNum": 1},
        EncodedEvent(name="v1.NotebookTitleChanged", args_text='{"title": "t"}'),
        logged('{"title": "t"}'),
    ],
)
def test_events_of_every_form(
    event: EncodedEvent | LoggedEvent | Mapping[str, object],
) -> None:
    tables = materialize([event])
    assert tables["notebookMetadata"] == TITLE
    assert tables.skipped == ()


def test_no_events_give_empty_tables() -> None:
    tables = materialize([])
    assert tables == NotebookState().tables()
    assert not any(tables.values())


def test_the_tables_are_plain_json() -> None:
    tables = materialize([logged('{"title": "t"}')])
    assert json.loads(json.dumps(tables)) == tables


def test_what_cannot_be_taken_is_skipped_and_reported() -> None:
    append = {
        "name": "v2.TerminalOutputAppended",
        "args": {"id": "d", "outputId": "o", "delta": "x", "sequenceNumber": 0},
    }
    tables = materialize(
        [
            {"name": "v1.NotebookTitleChanged", "args": {"title": 5}},
            {"name": "v9.New", "args": {}},
            {"args": {}},
            {"name": "v1.Debug", "args": {"id": object()}},
            append,
            append,
            logged(None),
            logged('{"title": "t"}'),
        ]
    )
    assert tables["notebookMetadata"] == TITLE
    assert len(tables["output_deltas"]) == 1
    assert tables.skipped == (
        SkippedEvent(
            index=0,
            name="v1.NotebookTitleChanged",
            reason="the event v1.NotebookTitleChanged is invalid: "
            "Expected `str`, got `int` - at `$.title`",
        ),
        SkippedEvent(
            index=1,
            name="v9.New",
            reason="this version does not know the event",
        ),
        SkippedEvent(index=2, name="", reason="this version does not know the event"),
        SkippedEvent(
            index=3,
            name="v1.Debug",
            reason="Encoding objects of type object is unsupported",
        ),
        SkippedEvent(
            index=5,
            name="v2.TerminalOutputAppended",
            reason="the table output_deltas has a row with the id 'd' already",
        ),
        SkippedEvent(
            index=6,
            name="v1.NotebookTitleChanged",
            reason="the event v1.NotebookTitleChanged is invalid: it has no arguments",
        ),
    )
