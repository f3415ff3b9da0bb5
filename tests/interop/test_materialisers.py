"""What events do to the tables: LiveStore with our schema's twin, and NotebookState.

The twin (livestore/schema) is first held against tables that LiveStore made with the
web application's own schema; then both carry out what hypothesis makes up. What was
found this way stays in corpus/. The lists are the same in every run, so that no run
fails by bad luck; `INTEROP_EXAMPLES=5000 hatch run interop` looks for new ones.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import assume, currently_in_test_context, given, settings
from hypothesis import event as tally
from hypothesis import strategies as st
from livestore_rig import (
    OLD_ONLY,
    Installation,
    Materialiser,
    Tables,
    open_materialiser,
)

from runt_protocol import (
    EncodedEvent,
    Event,
    InvalidEventError,
    NotebookState,
    ReusedIdError,
    decode_event,
    encode_event,
)
from runt_protocol.testing import events, json_values

HERE: Final = Path(__file__).parent
VECTORS: Final = HERE.parent / "runt-protocol/vectors"
RECORDINGS: Final = sorted((VECTORS / "state").glob("[0-9]*.json"))
CORPUS: Final = sorted((HERE / "corpus").glob("*.json"))
REACTIONS: Final[dict[str, Any]] = json.loads(
    (VECTORS / "client-reactions.json").read_text()
)
# Events of a client alone, which are not numbered as those of the log are.
LOCAL_EVENTS: Final = {"uiStateSet"}
_EXAMPLES: Final = os.environ.get("INTEROP_EXAMPLES", "")
EXAMPLES: Final = settings(
    max_examples=int(_EXAMPLES or 100), derandomize=not _EXAMPLES, database=None
)


# The twins are the same in both versions, and so is what LiveStore makes of them: the
# other tests show that in 0.4.
pytestmark = OLD_ONLY


@pytest.fixture(scope="module")
def materialiser(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Materialiser]:
    log = tmp_path_factory.mktemp("materialiser") / "livestore.log"
    with open_materialiser(installation, log) as materialiser:
        yield materialiser


def read(written: list[dict[str, Any]]) -> list[EncodedEvent]:
    return [
        EncodedEvent(
            name=event["name"],
            args_text=json.dumps(event["args"]) if "args" in event else None,
        )
        for event in written
    ]


def carry_out(encoded: list[EncodedEvent]) -> tuple[int, Tables]:
    """Give how many of the events we take from the first on, and the tables then."""
    state = NotebookState()
    for taken, event in enumerate(encoded):
        try:
            state.apply(decode_event(event.name, event.args_text))
        except (InvalidEventError, ReusedIdError):
            return taken, state.tables()
    return len(encoded), state.tables()


def note_outcome(outcome: str) -> None:
    """Count outcomes for `--hypothesis-show-statistics`."""
    if currently_in_test_context():
        tally(outcome)


def assert_alike(materialiser: Materialiser, encoded: list[EncodedEvent]) -> None:
    theirs = materialiser.materialise(encoded)
    taken, tables = carry_out(encoded)
    note_outcome("all taken" if theirs.refusal is None else "one refused")
    assert taken == theirs.taken, theirs.refusal
    assert tables == theirs.tables


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_twin_makes_the_tables_of_the_web_applications_schema(
    path: Path, materialiser: Materialiser
) -> None:
    recording = json.loads(path.read_text())
    theirs = materialiser.materialise(read(recording["events"]))
    assert theirs.refusal is None
    assert theirs.tables == recording["tables"]


@pytest.mark.parametrize(
    "reaction",
    [
        pytest.param(reaction, id=name)
        for name, reaction in REACTIONS.items()
        if LOCAL_EVENTS.isdisjoint(event["name"] for event in reaction["events"])
    ],
)
def test_the_twin_stumbles_where_the_web_applications_schema_does(
    reaction: dict[str, Any], materialiser: Materialiser
) -> None:
    theirs = materialiser.materialise(read(reaction["events"]))
    assert (theirs.refusal is None) == reaction["liveOk"]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_found_once_is_alike(path: Path, materialiser: Materialiser) -> None:
    assert_alike(materialiser, read(json.loads(path.read_text())))


@EXAMPLES
@given(written=st.lists(events(), max_size=12))
def test_lists_of_any_events_make_the_same_tables(
    written: list[Event], materialiser: Materialiser
) -> None:
    assert_alike(materialiser, encode(written))


@st.composite
def odd_args(draw: st.DrawFn) -> EncodedEvent:
    """Give an event of which one field was left out or replaced, or one was added."""
    [valid] = encode([draw(events())])
    assume(valid.args_text is not None)
    args = cast("dict[str, Any]", json.loads(valid.args_text or ""))
    field = draw(st.sampled_from([*args, "surplus"]))
    if draw(st.booleans()):
        args.pop(field, None)
    else:
        args[field] = draw(json_values() | odd_scalars())
    return EncodedEvent(name=valid.name, args_text=json.dumps(args))


def odd_scalars() -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [
            0.5,
            -1,
            1e21,
            2**53,
            "2025-06-01",
            "2025-06-01T12:00:00Z",
            "2025-06-01T12:00:00.123456Z",
            "2025-06-01T12:00:00.000+02:00",
            "June 1, 2025",
            "inline",
            "code",
            [],
            {},
            None,
        ]
    )


@EXAMPLES
@given(written=st.lists(events(), max_size=4), odd=odd_args())
def test_odd_arguments_are_refused_by_both_or_by_none(
    written: list[Event], odd: EncodedEvent, materialiser: Materialiser
) -> None:
    assert_alike(materialiser, [*encode(written), odd])


def encode(written: list[Event]) -> list[EncodedEvent]:
    try:
        return [encode_event(event) for event in written]
    except InvalidEventError:
        assume(False)  # noqa: FBT003 - hypothesis's own signature
        raise
