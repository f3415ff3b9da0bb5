import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_cli._terminal_text import Overwriting, SafeText, safe_text

HOSTILE = {
    "window title": "\x1b]0;owned\x07",
    "title ended by a string terminator": "\x1b]2;owned\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "clear screen": "\x1b[2J",
    "cursor up": "\x1b[3A",
    "alternate screen": "\x1b[?1049h",
    "device control string": "\x1bP$q\x1b\\",
    "full reset": "\x1bc",
    "character set": "\x1b(0",
    "control sequence in one character": "\x9b2J",
    "bell": "\x07",
    "query that the terminal would answer": "\x1b[6n",
    "unfinished title": "\x1b]0;",
    "escape before nothing": "\x1b",
}
PIECES = st.sampled_from([*HOSTILE.values(), "\x1b[31m", "plain", "\r\n", "\x1b[", "é"])


@pytest.mark.parametrize("sequence", HOSTILE.values(), ids=HOSTILE.keys())
def test_escape_sequences_do_not_reach_the_terminal(sequence: str) -> None:
    shown = safe_text(f"before{sequence}", color=True)
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\x07" not in shown
    assert shown.startswith("before")


def test_text_after_a_sequence_is_shown() -> None:
    assert safe_text("a\x1b[2Jb\x1b]0;title\x07c", color=True) == "abc"


def test_colours_pass_where_they_are_wanted_only() -> None:
    assert safe_text("\x1b[1;31mred\x1b[0m", color=True) == "\x1b[1;31mred\x1b[0m"
    assert safe_text("\x1b[1;31mred\x1b[0m", color=False) == "red"


def test_a_dropped_control_character_does_not_assemble_a_sequence() -> None:
    assert "\x1b" not in safe_text("\x1b\x00[2J", color=True)
    assert "\x1b" not in safe_text("\x1b\x1b[2J[2J", color=True)


@given(st.lists(PIECES, max_size=12).map("".join), st.data())
def test_cutting_a_stream_never_lets_more_through(
    text: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(text)))
    stream = SafeText(color=True)
    shown = stream.feed(text[:cut]) + stream.feed(text[cut:])
    assert "\x1b" not in shown.replace("\x1b[31m", "")
    assert shown == safe_text(text, color=True)


def test_a_sequence_that_never_ends_hides_a_bounded_piece_only() -> None:
    stream = SafeText(color=True)
    assert stream.feed("\x1b]0;") == ""
    assert "x" * 5000 in stream.feed("x" * 5000)
    assert stream.feed("more") == "more"


def test_only_the_last_state_of_an_overwritten_line_is_given_out() -> None:
    lines = Overwriting()
    assert lines.feed("  0%\r 50%") == ""
    assert lines.feed("\r100%\nnext") == "100%\n"
    assert lines.finish() == "next"


def test_windows_line_ends_overwrite_nothing() -> None:
    lines = Overwriting()
    assert lines.feed("one\r") == ""
    assert lines.feed("\ntwo\r\n") == "one\ntwo\n"


@given(st.lists(st.sampled_from(["a", "b", "\r", "\n"]), max_size=30).map("".join))
def test_splitting_a_stream_never_changes_the_lines(text: str) -> None:
    whole, split = Overwriting(), Overwriting()
    expected = whole.feed(text) + whole.finish()
    assert "".join(split.feed(char) for char in text) + split.finish() == expected
