"""Whatever a cell shows, no event is larger than a server takes."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from runt_agent._limits import DEFAULT_LIMITS
from runt_agent._media import representations_of
from runt_agent._outputs import CellOutputs
from runt_protocol import Event

LARGEST = 900_000

CHARACTERS = st.text(
    st.sampled_from(["a", "\n", '"', "\\", "\x01", "é", "漢", "😀", "\r"]),
    min_size=1,
    max_size=6,
)
LONG = st.builds(str.__mul__, CHARACTERS, st.integers(0, 400_000))
BUNDLES = st.dictionaries(
    st.sampled_from(["text/plain", "text/html", "image/svg+xml", "x/y" * 999]),
    LONG,
    min_size=1,
)
STEPS = st.one_of(
    st.tuples(st.just("stream"), st.sampled_from(["stdout", "stderr"]), LONG),
    st.tuples(st.just("display"), BUNDLES, st.none() | st.just("i" * 1000)),
    st.tuples(st.just("result"), BUNDLES, st.just(3)),
    st.tuples(st.just("error"), LONG, LONG, st.lists(LONG, max_size=3)),
)


def events_of(outputs: CellOutputs, step: tuple[Any, ...]) -> list[Event]:
    kind, *content = step
    match kind:
        case "stream":
            return outputs.stream(*content)
        case "error":
            return outputs.error(*content)
        case _:
            data, extra = content
            media = representations_of(data, {})
            show = outputs.display if kind == "display" else outputs.result
            return show(media, extra)  # pyright: ignore[reportArgumentType] - as drawn


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=3))
def test_no_event_is_larger_than_a_server_takes(steps: list[tuple[Any, ...]]) -> None:
    outputs = CellOutputs(
        cell_id="c", id_prefix="out", cleared_by="runtime", limits=DEFAULT_LIMITS
    )
    events = [event for step in steps for event in events_of(outputs, step)]
    for event in events:
        assert len(msgspec.json.encode(event)) <= LARGEST
