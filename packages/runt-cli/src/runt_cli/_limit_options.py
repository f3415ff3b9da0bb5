"""The options that say how much of the machine cells may use."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from runt_cli._errors import ConfigurationError

if TYPE_CHECKING:
    from runt_worker import Limits, WorkerOptions

_SIZE: Final = r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?"  # compiled when it is needed
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class _Size(click.ParamType[int]):
    """A number of bytes: `2G`, `1.5 GB`, `512MiB`; K, M, G, T are powers of 1,024."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(_SIZE, value.strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is no size, such as 512M or 2G.", param, ctx)
        return int(float(found[1]) * _UNITS[found[2].upper()])


SIZE: Final = _Size()


class LimitFlags(NamedTuple):
    """What the command line said about limits; None where it said nothing.

    Attributes:
        memory_bytes: What the sandbox may occupy.
        cell_timeout_s: How long a cell may run.
        max_output_bytes: How much a cell may show.
        max_output_rate: How much of it in a second.
        interrupt_grace_s: How long a cell may go on when it was told to stop.
    """

    memory_bytes: int | None = None
    cell_timeout_s: float | None = None
    max_output_bytes: int | None = None
    max_output_rate: int | None = None
    interrupt_grace_s: float | None = None


_MEMORY = click.option(
    "--memory-limit",
    "memory_bytes",
    type=SIZE,
    metavar="SIZE",
    help="How much memory the sandbox may use, e.g. 2G; else half of the machine's, "
    "at most 4G. A cell that wants more gets a MemoryError.",
)
_INTERRUPT_GRACE = click.option(
    "--interrupt-grace",
    "interrupt_grace_s",
    type=float,
    metavar="SECONDS",
    help="Kill a cell that goes on for so long after it was told to stop, and all "
    "variables with it; else after 5 s.",
)
_CELL_TIMEOUT = click.option(
    "--cell-timeout",
    "cell_timeout_s",
    type=float,
    metavar="SECONDS",
    help="Interrupt a cell that runs for longer; one that goes on is killed.",
)
_MAX_OUTPUT = click.option(
    "--max-output",
    "max_output_bytes",
    type=SIZE,
    metavar="SIZE",
    help="How much a cell may show, e.g. 10M; what follows is counted only. Else 64M "
    "where a notebook keeps it, and any amount in a terminal.",
)


_MAX_OUTPUT_RATE = click.option(
    "--max-output-rate",
    "max_output_rate",
    type=SIZE,
    metavar="SIZE",
    help="How much a cell may show in a second before it is slowed down; nothing is "
    "lost. Else 4M where a notebook keeps it, and any amount in a terminal.",
)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `limits: LimitFlags`.

    Args:
        command: The function behind the command.
    """

    @_MEMORY
    @_INTERRUPT_GRACE
    @_CELL_TIMEOUT
    @_MAX_OUTPUT
    @_MAX_OUTPUT_RATE
    @wraps(command)
    def with_flags(
        *arguments: Any,
        memory_bytes: int | None,
        interrupt_grace_s: float | None,
        cell_timeout_s: float | None,
        max_output_bytes: int | None,
        max_output_rate: int | None,
        **others: Any,
    ) -> Any:
        limits = LimitFlags(
            memory_bytes=memory_bytes,
            interrupt_grace_s=interrupt_grace_s,
            cell_timeout_s=cell_timeout_s,
            max_output_bytes=max_output_bytes,
            max_output_rate=max_output_rate,
        )
        return command(*arguments, limits=limits, **others)

    return with_flags


def with_limits(
    options: "WorkerOptions", flags: LimitFlags, *, keeps_outputs: bool = True
) -> "WorkerOptions":
    """Return a worker's options with what the flags say.

    Args:
        options: The options without it.
        flags: What the command line said.
        keeps_outputs: Whether outputs go into a notebook, so that there is a limit
            for them even if nobody gave one. What goes to a pipe must be whole.

    Raises:
        ConfigurationError: A limit is so low that nothing could run, or no number.
    """
    from dataclasses import replace  # noqa: PLC0415 - help needs none of it

    limits = options.limits
    if flags.memory_bytes is not None:
        if flags.memory_bytes < limits.MIN_MEMORY_BYTES:
            raise ConfigurationError(
                "--memory-limit is too low: Python itself needs "
                f"{limits.MIN_MEMORY_BYTES // 2**20}M."
            )
        limits = replace(limits, memory_bytes=flags.memory_bytes)
    if flags.interrupt_grace_s is not None:
        if not flags.interrupt_grace_s >= 0:  # which is also true of NaN
            raise ConfigurationError("--interrupt-grace must be 0 seconds or more.")
        limits = replace(limits, interrupt_grace_s=flags.interrupt_grace_s)
    limits = _with_output_limits(limits, flags, keeps_outputs=keeps_outputs)
    if flags.cell_timeout_s is not None:
        if not flags.cell_timeout_s > 0:  # which is also true of NaN
            raise ConfigurationError("--cell-timeout must be more than 0 seconds.")
        limits = replace(limits, cell_timeout_s=flags.cell_timeout_s)
    return replace(options, limits=limits)


def _with_output_limits(
    limits: "Limits", flags: LimitFlags, *, keeps_outputs: bool
) -> "Limits":
    from dataclasses import replace  # noqa: PLC0415 - help needs none of it

    if not keeps_outputs:
        limits = replace(
            limits,
            max_output_bytes=None,
            max_outputs=None,
            max_output_rate=None,
            max_outputs_rate=None,
        )
    if flags.max_output_bytes is not None:
        limits = replace(limits, max_output_bytes=flags.max_output_bytes)
    if flags.max_output_rate is not None:
        if flags.max_output_rate == 0:
            raise ConfigurationError("--max-output-rate must be more than 0.")
        limits = replace(limits, max_output_rate=flags.max_output_rate)
    return limits
