import re

from hypothesis import given
from hypothesis import strategies as st

from runt_agent._terminal import fold_overwritten, split_text

COLOURS = ["\x1b[31m", "\x1b[1;32m", "\x1b[0m", "\x1b[m"]
ERASURES = ["\x1b[K", "\x1b[0K", "\x1b[2K"]
PLAIN = ["a", "b", " ", "\r", "\r", "\n", "漢"]
TERMINAL_TEXT = st.lists(
    st.sampled_from([*PLAIN, *COLOURS, *ERASURES, "\t", "\x1b", "\x1b[A", "\u0301"]),
    max_size=40,
).map("".join)
BAR_TEXT = st.lists(st.sampled_from([*PLAIN, *COLOURS, *ERASURES]), max_size=40).map(
    "".join
)
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([mK])|(.)", re.DOTALL)

Cell = tuple[str, str]
"""A character and its colours; a wide one fills a second, empty one."""


class Screen:
    """A terminal that knows line breaks, carriage returns, colours and erasures."""

    def __init__(self, beginning: str = "") -> None:
        self.lines: list[list[Cell]] = [[]]
        self.colours = ""
        self._column = 0
        self.write(beginning)

    def write(self, text: str) -> None:
        for match in SEQUENCE.finditer(text):
            parameters, kind, char = match.groups()
            if kind == "m":
                is_reset = parameters in {"", "0"}
                self.colours = "" if is_reset else self.colours + match[0]
            elif kind == "K":
                self._erase(from_column=0 if parameters == "2" else self._column)
            elif char == "\n":
                self.lines.append([])
                self._column = 0
            elif char == "\r":
                self._column = 0
            else:
                self._put(char)

    def _erase(self, *, from_column: int) -> None:
        del self.lines[-1][from_column:]

    def _put(self, char: str) -> None:
        line, column = self.lines[-1], self._column
        cells = [(char, self.colours)] + [("", self.colours)] * (char == "漢")
        line.extend([(" ", "")] * (column - len(line)))
        line[column : column + len(cells)] = cells
        self._column += len(cells)


@given(st.sampled_from(["", "ab", "\x1b[31mabc"]), BAR_TEXT)
def test_a_folded_text_looks_the_same(beginning: str, text: str) -> None:
    whole, folded = Screen(beginning), Screen(beginning)
    whole.write(text)
    folded.write(fold_overwritten(text))

    assert folded.lines == whole.lines
    assert folded.colours == whole.colours


@given(TERMINAL_TEXT)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    folded = fold_overwritten(text)

    assert fold_overwritten(folded) == folded
    assert len(folded) <= len(text)


@given(TERMINAL_TEXT)
def test_sequences_that_move_are_never_lost(text: str) -> None:
    others = re.compile(r"\x1b(?!\[[0-9;]*[mK])")

    assert len(others.findall(fold_overwritten(text))) == len(others.findall(text))


def test_a_progress_bar_leaves_its_last_state() -> None:
    text = "".join(f"\r{n:3}%|{'#' * n}" for n in range(100))

    assert fold_overwritten(text) == f"\r 99%|{'#' * 99}"


def test_a_coloured_bar_leaves_its_last_state() -> None:
    bars = [f"{n:3}%|\x1b[32m{'#' * n}\x1b[0m|" for n in range(100)]

    text = fold_overwritten("".join(f"\r{bar}" for bar in bars))

    assert text == f"\r\x1b[0m{bars[-1]}"


def test_a_bar_that_erases_its_line_leaves_its_last_state() -> None:
    text = "begun" + "".join(f"\r\x1b[2K{n}/10" for n in range(11)) + "\rdone\x1b[K"

    assert fold_overwritten(text) == "\rdone\x1b[K"


def test_what_stands_before_the_first_carriage_return_is_kept() -> None:
    assert fold_overwritten("ab\rcd\ref") == "ab\ref"


def test_a_shorter_text_does_not_cover_a_longer_one() -> None:
    assert fold_overwritten("\rlonger\rshort") == "\rlonger\rshort"


def test_line_ends_of_windows_are_no_overwriting() -> None:
    assert fold_overwritten("one\r\ntwo\r\n") == "one\r\ntwo\r\n"


@given(st.text(max_size=50), st.integers(1, 7))
def test_pieces_of_a_text_make_it_up(text: str, max_chars: int) -> None:
    pieces = list(split_text(text, max_chars))

    assert "".join(pieces) == text
    assert all(0 < len(piece) <= max_chars for piece in pieces)
