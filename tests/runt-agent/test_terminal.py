from hypothesis import given
from hypothesis import strategies as st

from runt_agent._terminal import fold_overwritten, split_text

TERMINAL_TEXT = st.text(st.sampled_from("ab \r\n\té漢\x1b\u0301"), max_size=40)


def screen(text: str) -> list[list[str]]:
    """Show a text as a terminal does that knows line breaks and carriage returns.

    A wide character fills two columns; a control character is kept as it is, so that
    two screens are equal only if it stands in the same place.
    """
    lines: list[list[str]] = [[]]
    column = 0
    for char in text:
        line = lines[-1]
        if char == "\n":
            lines.append([])
            column = 0
        elif char == "\r":
            column = 0
        elif char == "\u0301":
            continue  # joins what stands before it; takes no column
        else:
            cells = [char, ""] if char == "漢" else [char]
            line.extend([" "] * (column - len(line)))
            line[column : column + len(cells)] = cells
            column += len(cells)
    return lines


PLAIN_TEXT = st.text(st.sampled_from("abc \r\n漢"), max_size=40)


@given(PLAIN_TEXT)
def test_a_folded_text_looks_the_same(text: str) -> None:
    assert screen(fold_overwritten(text)) == screen(text)


@given(TERMINAL_TEXT)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    folded = fold_overwritten(text)

    assert fold_overwritten(folded) == folded
    assert len(folded) <= len(text)


@given(TERMINAL_TEXT)
def test_control_sequences_are_never_lost(text: str) -> None:
    assert fold_overwritten(text).count("\x1b") == text.count("\x1b")


def test_a_progress_bar_leaves_its_last_state() -> None:
    text = "".join(f"\r{n:3}%|{'#' * n}" for n in range(100))

    assert fold_overwritten(text) == f"\r 99%|{'#' * 99}"


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
