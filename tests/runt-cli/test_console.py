"""The console, driven as its user does: by keys in a terminal."""

import os
import re
import signal
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pexpect  # pyright: ignore[reportMissingTypeStubs] (it has none)
import pytest
from runt_command import EXECUTABLE

from runt_worker.testing import DEAF

TIMEOUT_S: Final = 120
"""For any one answer; a busy machine needs 20 s to start a sandbox."""

CTRL_C, CTRL_D, ENTER, TAB = "\x03", "\x04", "\r", "\t"
PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAC0lEQVR4nGNgQAcAABIAAYAUyswA"
    "AAAASUVORK5CYII="
)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *arguments: str | Path, home: Path) -> None:
        untyped: Any = pexpect
        self._child = untyped.spawn(
            str(EXECUTABLE),
            [str(argument) for argument in arguments],
            env={
                **os.environ,
                "TERM": "xterm",
                # Nobody answers where the cursor is.
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "XDG_STATE_HOME": str(home),
            },
            encoding="utf-8",
            timeout=TIMEOUT_S,
            dimensions=(50, 200),
        )

    @property
    def is_alive(self) -> bool:
        return self._child.isalive()

    def type(self, *keys: str) -> None:
        for key in keys:
            self._child.send(key)

    def wait_for(self, pattern: str) -> str:
        """Wait for a text; give what came before it."""
        self._child.expect(pattern)
        return self._child.before

    def group(self) -> str:
        return self._child.match.group(1)

    def signal(self, number: int) -> None:
        self._child.kill(number)

    def end(self) -> tuple[str, int]:
        """Wait for the end; give the last words and the exit status."""
        self._child.expect(pexpect.EOF)
        words = self._child.before
        self._child.close()
        return words, self._child.exitstatus

    def close(self) -> None:
        self._child.close(force=True)


class Console(Terminal):
    """`runt console`, at its prompt before and after each call."""

    def __init__(self, home: Path, pictures: Path) -> None:
        super().__init__("console", "--pictures", pictures, home=home)
        self.pictures = pictures
        self.history = home / "runt" / "console-history"
        self.prompt()

    def prompt(self, number: str = r"\d+") -> str:
        """Wait for the next prompt; give what came before it."""
        shown = self.wait_for(r"\x1b\[\?2004h")  # prompt_toolkit takes the terminal
        self.wait_for(rf"In \[{number}\]: ")
        return shown

    def enter(self, line: str) -> None:
        """Type a line that is run."""
        self.type(line, ENTER)
        self.wait_for(r"\x1b\[\?2004l")  # and lets go of it

    def run(self, line: str) -> str:
        """Run a line and give what it showed."""
        self.enter(line)
        return self.prompt()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def consoles() -> Generator[list[Console]]:
    opened: list[Console] = []
    yield opened
    for console in opened:
        console.close()


@pytest.fixture
def console(consoles: list[Console], folder: Path) -> Console:
    """Return one that other tests have used, unless it was left."""
    if not consoles or not consoles[-1].is_alive:
        consoles.append(Console(folder / "state", folder / "pictures"))
    return consoles[-1]


def test_results_bear_the_number_of_their_prompt(console: Console) -> None:
    shown = console.run("6 * 7")
    assert re.search(r"Out\[\d+\]: 42\r\n", shown)
    assert re.search(r"Out\[\d+\]:\r\n\['x{40}',\r\n", console.run("['x' * 40] * 9"))


def test_enter_goes_on_while_the_input_is_incomplete(console: Console) -> None:
    console.type("def double(number):", ENTER)
    console.wait_for(r"\.\.\.: ")
    console.type("return 2 * number", ENTER)  # indented by the console
    console.wait_for(r"\.\.\.: ")
    console.type(ENTER)
    console.prompt()
    assert "]: 42" in console.run("double(21)")


def test_a_blank_line_ends_a_cell_magic(console: Console) -> None:
    for line in ("%%capture caught", "print('ca' + 'ught')"):
        console.type(line, ENTER)
        console.wait_for(r"\.\.\.: ")
    console.type(ENTER)
    console.prompt()
    assert "caught" in console.run("caught.stdout")


def test_what_hangs_while_it_is_completed_can_be_given_up(console: Console) -> None:
    console.run(r"exec('class H:\n def __dir__(self):\n  while True: pass')")
    console.run("hangs = H(); hangs.x = 'still there'")
    for key in (CTRL_C, ENTER):
        console.type("hangs.x", TAB)
        console.wait_for(r"hangs.*x")
        console.type(key)
        shown = console.prompt()
    assert "still there" in shown


def test_tab_completes_an_attribute_of_a_live_object(console: Console) -> None:
    console.run("class Thing: attribute_of_mine = 'found it'")
    console.type("Thing.attrib", TAB)
    console.wait_for("ute_of_mine")
    assert "found it" in console.run("")


def test_ctrl_c_interrupts_a_cell_and_keeps_what_there_is(console: Console) -> None:
    console.run("kept = 'it is kept'")
    console.enter("exec('print(1 + 1)\\nwhile True: pass')")
    console.wait_for("2\r\n")
    console.type(CTRL_C)
    console.wait_for("KeyboardInterrupt")
    console.prompt()
    assert "it is kept" in console.run("kept")


def test_ctrl_c_at_the_prompt_gives_the_line_up(console: Console) -> None:
    console.type("print('never ' + 'run')", CTRL_C)
    assert "never run" not in console.prompt()


def test_questions_of_a_cell_are_answered(console: Console) -> None:
    console.type("print('first'); input('Na' + 'me? ')[::-1]", ENTER)
    assert "first\r\n" in console.wait_for(r"Name\? ")
    console.type("Ada", ENTER)
    console.wait_for("'adA'")
    console.prompt()
    console.type("import getpass; getpass.getpass('Pass' + 'word: ')[::-1]", ENTER)
    console.wait_for("Password: ")
    console.type("secret", ENTER)
    assert "secret" not in console.wait_for("'terces'")
    console.prompt()


def test_ctrl_c_and_ctrl_d_are_answers_too(console: Console) -> None:
    for key, name in [(CTRL_C, "KeyboardInterrupt"), (CTRL_D, "EOFError")]:
        console.type("input('Na' + 'me? ')", ENTER)
        console.wait_for(r"Name\? ")
        console.type(key)
        console.wait_for(name)
        console.prompt()


def test_pictures_are_saved_and_announced(console: Console) -> None:
    console.run("import base64; from IPython.display import Image, SVG")
    console.type(f"Image(data=base64.b64decode('{PNG}'))", ENTER)
    console.wait_for(r"\[image/png, 3 x 2 pixels, saved to ([^\]]+)\]")
    saved = Path(console.group())
    assert saved.parent == console.pictures
    assert saved.read_bytes().startswith(b"\x89PNG")
    console.prompt()


def test_help_is_shown(console: Console) -> None:
    assert "Return the absolute value" in console.run("abs?")


def test_escape_sequences_of_a_cell_do_not_reach_the_terminal(console: Console) -> None:
    shown = console.run(r"print('\x1b]0;ow' + 'ned\x07\x1b[2Jsa' + 'fe')")
    assert "safe\r\n" in shown
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown


def test_a_second_ctrl_c_starts_a_fresh_python(console: Console) -> None:
    console.run("state = 1")
    console.enter(f"exec({DEAF!r})")
    console.wait_for("begun\r")
    console.type(CTRL_C)
    console.wait_for("'no'\r")
    console.type(CTRL_C)
    console.wait_for("all variables are gone")
    console.prompt("1")
    assert "NameError" in console.run("state")


def test_a_sandbox_that_dies_is_told_of_and_replaced(console: Console) -> None:
    console.type("import os; os._exit(3)", ENTER)
    console.wait_for(r"exit\(3\)")
    console.wait_for("all variables are gone")
    console.prompt("1")
    assert "]: 2" in console.run("1 + 1")


def test_ctrl_d_leaves_and_what_was_typed_is_remembered(console: Console) -> None:
    console.run("'typed ' + 'today'")
    console.type(CTRL_D)
    assert console.end()[1] == 0
    assert "+'typed ' + 'today'\n" in console.history.read_text()
    assert stat.S_IMODE(console.history.stat().st_mode) == 0o600


def test_a_console_that_is_told_to_end_leaves_the_terminal_as_it_was(
    tmp_path: Path,
) -> None:
    console = Console(tmp_path, tmp_path / "pictures")
    console.signal(signal.SIGTERM)
    console.wait_for(r"\x1b\[\?2004l")
    assert console.end()[1] == 128 + signal.SIGTERM


def test_a_snippet_asks_at_the_terminal(tmp_path: Path) -> None:
    code = "import getpass; print(input('Name? ') + getpass.getpass('Key: ')[::-1])"
    terminal = Terminal("exec", code, home=tmp_path)
    terminal.wait_for(r"Name\? ")
    terminal.type("Ada", ENTER)
    terminal.wait_for("Key: ")
    terminal.type("secret", ENTER)
    words, status = terminal.end()
    assert ("Adaterces" in words, "secret" in words, status) == (True, False, 0)
