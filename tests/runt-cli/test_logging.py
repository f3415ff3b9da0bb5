"""The log of a command: its level, its two forms, and what no terminal may take."""

import json
import logging
from collections.abc import Generator

import pytest

from runt_cli._log_options import LogFlags
from runt_cli._logging import log_to_stderr

HOSTILE = "cell \x1b]0;owned\x07 starts"


class Log:
    """What is logged in a test, which pytest would gather by a handler of its own."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._patch, self._capsys = monkeypatch, capsys

    def begin(self, flags: LogFlags, *, usual: str = "info") -> None:
        self._patch.setattr(logging.getLogger(), "handlers", [])
        log_to_stderr(flags, usual=usual)

    def lines(self) -> list[str]:
        return self._capsys.readouterr().err.splitlines()


@pytest.fixture
def log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Log]:
    level = logging.getLogger().level
    yield Log(monkeypatch, capsys)
    logging.getLogger().setLevel(level)
    for name in ("runt_agent", "runt_sync", "runt_worker"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def logged(log: Log, flags: LogFlags, *, usual: str = "info") -> list[str]:
    log.begin(flags, usual=usual)
    ours = logging.getLogger("runt_agent._agent")
    ours.debug("detail")
    ours.info(HOSTILE, extra={"session_id": "s", "queue_id": None, "cell_id": "c"})
    ours.warning("trouble")
    logging.getLogger("httpx").info("GET https://example.org/?token=secret")
    logging.getLogger("httpx").warning("slow")
    return log.lines()


def test_usually_it_tells_what_it_does(log: Log) -> None:
    lines = logged(log, LogFlags())
    assert [line.split(" ", 2)[2] for line in lines] == [
        "INFO cell  starts",
        "WARNING trouble",
        "WARNING slow",
    ]


@pytest.mark.parametrize(
    ("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 0)]
)
def test_the_flag_beats_what_is_usual(log: Log, level: str, count: int) -> None:
    assert len(logged(log, LogFlags(level=level), usual="warning")) == count


def test_an_entry_in_json_names_what_it_is_about(
    log: Log,
) -> None:
    first, *_ = logged(log, LogFlags(as_json=True))
    entry = json.loads(first)
    assert entry.pop("time")
    assert entry == {
        "level": "info",
        "logger": "runt_agent._agent",
        "message": HOSTILE,
        "session_id": "s",
        "cell_id": "c",
    }
    assert first.isprintable()


def test_an_exception_is_part_of_its_entry(log: Log) -> None:
    log.begin(LogFlags(as_json=True))
    try:
        int("why")
    except ValueError:
        logging.getLogger("runt_sync").exception("a request failed")
    [line] = log.lines()
    assert json.loads(line)["exception"].endswith("'why'")
