"""The recorded tables of the real LiveStore client, event list by event list."""

import json
from pathlib import Path
from typing import Any

import pytest

from runt_protocol import (
    InvalidEventError,
    NotebookState,
    ReusedIdError,
    UnknownEvent,
    decode_event,
    encode_event,
    materialize,
)

VECTORS = Path(__file__).parent / "vectors"
SCHEMA: dict[str, Any] = json.loads((VECTORS / "state/schema.json").read_text())
RECORDINGS: dict[str, Any] = {
    path.stem: json.loads(path.read_text())
    for path in sorted((VECTORS / "state").glob("[0-9]*.json"))
}
REACTIONS: dict[str, Any] = json.loads((VECTORS / "client-reactions.json").read_text())

# (recording, number of events, tables after them)
STATES = [
    pytest.param(recording["events"][:count], tables, id=f"{name}-{count}")
    for name, recording in RECORDINGS.items()
    for count, tables in [
        *(
            (point["afterEvents"], point["tables"])
            for point in recording["checkpoints"]
        ),
        (len(recording["events"]), recording["tables"]),
    ]
]


def args_text(event: dict[str, Any]) -> str | None:
    return json.dumps(event["args"]) if "args" in event else None


@pytest.mark.parametrize(("events", "tables"), STATES)
def test_recorded_events_give_the_recorded_tables(
    events: list[dict[str, Any]], tables: dict[str, Any]
) -> None:
    materialized = materialize(events)
    assert materialized == tables
    assert not materialized.skipped


@pytest.mark.parametrize(("events", "tables"), STATES)
def test_undoing_recorded_events_empties_the_tables(
    events: list[dict[str, Any]], tables: dict[str, Any]
) -> None:
    state = NotebookState()
    undos = [state.apply(decode_event(e["name"], args_text(e))) for e in events]
    assert state.tables() == tables
    for undo in reversed(undos):
        state.revert(undo)
    assert state.tables() == NotebookState().tables()


@pytest.mark.parametrize(
    "name", [n for n, r in RECORDINGS.items() if r["via"] == "commit"]
)
def test_our_arguments_are_byte_for_byte_those_of_livestore(name: str) -> None:
    for event in RECORDINGS[name]["events"]:
        decoded = decode_event(event["name"], args_text(event))
        assert not isinstance(decoded, UnknownEvent)
        encoded = encode_event(decoded)
        compact = json.dumps(
            event.get("args"), separators=(",", ":"), ensure_ascii=False
        )
        assert (encoded.args_text or "null") == compact


def test_the_printed_columns_are_those_of_the_schema() -> None:
    tables = materialize(
        event for recording in RECORDINGS.values() for event in recording["events"]
    )
    assert set(tables) == set(SCHEMA)
    for name, rows in tables.items():
        columns = [column["name"] for column in SCHEMA[name]["columns"]]
        assert all(list(row) == columns for row in rows)


def client_survives(state: NotebookState, events: list[dict[str, Any]]) -> bool:
    """Tell whether we read and apply all events, as the real client has to."""
    try:
        for event in events:
            decoded = decode_event(event["name"], args_text(event))
            # The real client stops at an unknown event; we keep it and go on.
            if isinstance(decoded, UnknownEvent) and decoded.name != "uiStateSet":
                return False
            state.apply(decoded)
    except (InvalidEventError, ReusedIdError):
        return False
    return True


@pytest.mark.parametrize("reaction", REACTIONS.values(), ids=REACTIONS)
def test_we_read_what_the_real_client_survives(reaction: dict[str, Any]) -> None:
    state = NotebookState()
    assert client_survives(state, reaction["events"]) == reaction["liveOk"]
    if not reaction["liveOk"]:
        return
    # The recorder closed each case with this event, to see the client still alive.
    state.apply(decode_event("v1.NotebookTitleChanged", '{"title":"after"}'))
    tables = {name: rows for name, rows in state.tables().items() if rows}
    # `uiState` belongs to the client that shows the notebook; we are none.
    recorded = {n: rows for n, rows in reaction["tables"].items() if n != "uiState"}
    assert tables == recorded


def test_all_reactions_are_there() -> None:
    assert len(REACTIONS) == 60
