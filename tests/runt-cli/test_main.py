import logging
from types import SimpleNamespace

import pytest

from runt_cli import _main, main
from runt_cli._errors import ConfigurationError
from runt_cli._log_options import LogFlags
from runt_cli._logging import log_to_stderr


@pytest.fixture
def root_logger() -> logging.Logger:
    return logging.getLogger()


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(_main, "cli", SimpleNamespace(main=fail))


def test_what_a_peer_put_into_an_error_does_not_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(ConfigurationError("it said \x1b]0;owned\x07no"), monkeypatch)
    assert main([]) == 2
    assert capsys.readouterr().err == "Error: it said no\n"


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        BaseExceptionGroup("nursery", [KeyboardInterrupt(), OSError("also")]),
    ],
)
def test_ctrl_c_has_a_status_of_its_own(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_with(error, monkeypatch)
    assert main([]) == 130


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(ZeroDivisionError(), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        main([])


def test_ids_in_log_lines_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    root_logger: logging.Logger,
) -> None:
    monkeypatch.setattr(root_logger, "handlers", [])
    log_to_stderr(LogFlags())
    logging.getLogger("runt_agent").info("execution %s starts", "\x1b[2Jq1")
    logging.getLogger("httpx").info("GET a URL")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("INFO execution q1 starts")
