from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_agent._media import fit, image_content, representations_of, with_notice
from runt_protocol import (
    Artifact,
    Inline,
    MultimediaDisplayOutputUpdated,
    encode_event,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_text_stays_text_and_lines_are_joined() -> None:
    data = {"text/plain": "42", "text/html": ["<b>", "42", "</b>"]}

    assert representations_of(data, {}) == {
        "text/plain": Inline(data="42"),
        "text/html": Inline(data="<b>42</b>"),
    }


@pytest.mark.parametrize(
    "mime_type", ["application/json", "application/vnd.plotly.v1+json"]
)
@pytest.mark.parametrize("value", [{"a": [1, None]}, ["text", "text"], "text", 0.5])
def test_json_travels_as_the_value_itself(mime_type: str, value: Any) -> None:
    assert representations_of({mime_type: value}, {}) == {mime_type: Inline(data=value)}


def test_base64_loses_the_line_breaks_that_ipython_puts_in() -> None:
    broken = b64encode(PNG).decode()[:60] + "\n" + b64encode(PNG).decode()[60:] + "\n"

    [image] = representations_of({"image/png": broken}, {}).values()

    assert image == Inline(data=b64encode(PNG).decode())


def test_svg_is_text_and_keeps_its_line_breaks() -> None:
    svg = "<svg>\n <g/>\n</svg>"

    assert representations_of({"image/svg+xml": svg}, {}) == {
        "image/svg+xml": Inline(data=svg)
    }


def test_metadata_goes_to_the_representation_that_it_is_about() -> None:
    data = {"image/png": "iVBORw0K", "text/plain": "<Figure>"}
    metadata = {"image/png": {"width": 640}, "isolated": True, "text/plain": {}}

    assert representations_of(data, metadata) == {
        "image/png": Inline(data="iVBORw0K", metadata={"width": 640}),
        "text/plain": Inline(data="<Figure>"),
    }


def test_what_is_none_is_not_there() -> None:
    assert representations_of({"text/html": None, "text/plain": ""}, {}) == {
        "text/plain": Inline(data="")
    }


def test_the_bytes_of_an_image() -> None:
    inline = Inline(data=b64encode(PNG).decode())

    assert image_content("image/png", inline) == PNG
    assert image_content("image/svg+xml", Inline(data="<svg>é</svg>")) == (
        "<svg>é</svg>".encode()
    )


@pytest.mark.parametrize(
    ("mime_type", "representation"),
    [
        ("text/plain", Inline(data="aaaa")),
        ("image/png", Inline(data="no base64!")),
        ("image/png", Inline(data={"not": "text"})),
        ("image/png", Artifact(artifact_id="a")),
        ("image/png\r\nX-Injected: 1", Inline(data="aaaa")),
        ("image/pñg", Inline(data="aaaa")),
        ("image/", Inline(data="aaaa")),
    ],
)
def test_everything_else_is_no_image_that_could_be_uploaded(
    mime_type: str, representation: Inline | Artifact
) -> None:
    assert image_content(mime_type, representation) is None


def test_the_largest_representation_goes_first_and_the_notice_says_so() -> None:
    fitted = fit(
        {
            "text/html": Inline(data="h" * 60_000),
            "image/png": Inline(data="p" * 90_000),
            "text/plain": Inline(data="small"),
        },
        100_000,
    )

    assert fitted == {
        "text/html": Inline(data="h" * 60_000),
        "text/plain": Inline(
            data="small\n[left out, too large for a notebook's log (at most 100,000 "
            "bytes an output): image/png, 90,041 bytes]"
        ),
    }


def test_text_that_is_too_large_itself_leaves_only_the_notice() -> None:
    fitted = fit({"text/plain": Inline(data="é" * 90_000)}, 100_000)

    assert list(fitted) == ["text/plain"]
    assert "text/plain, 180," in str(fitted["text/plain"])


def repeated(char: str, count: int) -> str:
    return char * count


SIZED_TEXT = st.builds(
    repeated,
    st.sampled_from(["a", "é", "\x1b", "\n", "漢", "😀", '"', "\ud83d"]),
    st.integers(0, 6_000),
)


@given(
    st.dictionaries(
        st.sampled_from(["text/plain", "text/html", "image/png", "application/json"]),
        st.builds(Inline, data=SIZED_TEXT | st.lists(SIZED_TEXT, max_size=3)),
    )
)
def test_whatever_is_fitted_makes_an_event_within_the_limit(
    representations: dict[str, Inline | Artifact],
) -> None:
    fitted = fit(representations, 20_000)

    event = MultimediaDisplayOutputUpdated(display_id="d", representations=fitted)
    args_text = encode_event(event).args_text
    assert args_text is not None
    assert len(args_text.encode()) <= 20_000
    assert fitted == representations or "left out" in str(fitted["text/plain"])


def test_a_value_too_deep_to_be_measured_is_left_to_whoever_commits_it() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    media: Any = {"application/json": Inline(data=deep)}

    assert fit(media, 100_000) is media


def test_a_notice_alone_is_the_plain_text() -> None:
    assert with_notice({}, "gone") == {"text/plain": Inline(data="gone")}
