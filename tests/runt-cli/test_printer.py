import io

import pytest

from runt_cli._printer import Printer


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment] # StringIO has none, a terminal does

    def isatty(self) -> bool:
        return True


def test_standard_output_and_error_go_their_own_ways() -> None:
    out, err = io.StringIO(), io.StringIO()
    printer = Printer(out, err)
    printer.stream("stdout", "to out\n")
    printer.stream("stderr", "to err\n")
    assert (out.getvalue(), err.getvalue()) == ("to out\n", "to err\n")


def test_a_terminal_sees_a_partial_line_at_once_and_a_pipe_when_it_ends() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for file in (terminal, pipe):
        Printer(file, io.StringIO()).stream("stdout", "half a line")
    assert terminal.getvalue() == "half a line"
    assert pipe.getvalue() == ""


def test_a_line_that_a_cell_left_open_is_ended() -> None:
    out = io.StringIO()
    printer = Printer(out, io.StringIO())
    printer.stream("stdout", "no line end")
    printer.end_cell()
    printer.bundle({"text/plain": "42"})
    assert out.getvalue() == "no line end\n42\n"


def test_a_display_shows_its_text_or_says_what_it_is() -> None:
    out = io.StringIO()
    printer = Printer(out, io.StringIO())
    printer.bundle({"text/html": "<b>x</b>", "text/plain": "x"})
    printer.bundle({"image/png": "iVBOR", "text/html": "<b>x</b>"})
    assert out.getvalue() == "x\n[image/png, text/html]\n"


def test_a_traceback_keeps_its_colours_in_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = Terminal(), io.StringIO()
    for file in (terminal, pipe):
        Printer(io.StringIO(), file).error("E", "v", ["\x1b[31mline 1", "line 2"])
    assert terminal.getvalue() == "\x1b[31mline 1\nline 2\n"
    assert pipe.getvalue() == "line 1\nline 2\n"


def test_an_error_without_a_traceback_is_shown_by_name() -> None:
    err = io.StringIO()
    Printer(io.StringIO(), err).error("ValueError", "bad", [])
    assert err.getvalue() == "ValueError: bad\n"


def test_lone_surrogates_are_printed_as_escapes() -> None:
    terminal = Terminal()
    Printer(terminal, io.StringIO()).stream("stdout", "\ud83d\n")
    assert terminal.getvalue() == "\\ud83d\n"


def test_a_labelled_text_of_several_lines_begins_below() -> None:
    out = io.StringIO()
    printer = Printer(out, io.StringIO())
    printer.bundle({"text/plain": "42"}, label="Out[1]:")
    printer.bundle({"text/plain": "a\nb"}, label="Out[2]:")
    assert out.getvalue() == "Out[1]: 42\nOut[2]:\na\nb\n"


def test_a_prompt_is_shown_at_the_terminal_behind_what_came_before() -> None:
    out, err = Terminal(), io.StringIO()
    printer = Printer(out, err)
    printer.stream("stdout", "half a line ")
    printer.prompt("Name? \x1b]0;owned\x07")
    printer.line_was_ended()  # by the user, who has typed it
    printer.bundle({"text/plain": "42"})
    assert out.getvalue() == "half a line Name? 42\n"
    assert err.getvalue() == ""


def test_a_prompt_does_not_go_where_the_output_is_kept() -> None:
    out, err = io.StringIO(), Terminal()
    Printer(out, err).prompt("Name? ")
    assert (out.getvalue(), err.getvalue()) == ("", "Name? ")
