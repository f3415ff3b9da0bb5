"""The options that say what a command tells about its work."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple

import click

_LEVELS: Final = ("debug", "info", "warning", "error")


class LogFlags(NamedTuple):
    """What the command line said about logs.

    Attributes:
        level: The least that is logged; None: what is usual for the command.
        as_json: Whether each entry is a JSON object.
    """

    level: str | None = None
    as_json: bool = False


_LEVEL = click.option(
    "--log-level",
    "log_level",
    type=click.Choice(_LEVELS),
    help="What is told on standard error; else info by what serves, warning by what "
    "runs cells and ends.",
)
_JSON = click.option(
    "--log-json",
    "log_json",
    is_flag=True,
    help="Log a JSON object a line, with the ids of session, execution and cell.",
)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `log: LogFlags`.

    Args:
        command: The function behind the command.
    """

    @_LEVEL
    @_JSON
    @wraps(command)
    def with_flags(
        *arguments: Any, log_level: str | None, log_json: bool, **others: Any
    ) -> Any:
        log = LogFlags(level=log_level, as_json=log_json)
        return command(*arguments, log=log, **others)

    return with_flags
