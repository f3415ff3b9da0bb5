"""The options that say how much of the machine cells may use."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from runt_cli._errors import ConfigurationError

if TYPE_CHECKING:
    from runt_worker import WorkerOptions

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class _Size(click.ParamType[int]):
    """A number of bytes: `2G`, `1.5 GB`, `512MiB`; K, M, G, T are powers of 1,024."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            self.fail(f"{value!r} is no size, such as 512M or 2G.", param, ctx)
        return int(float(found[1]) * _UNITS[found[2].upper()])


SIZE: Final = _Size()


@dataclass(frozen=True, kw_only=True)
class LimitFlags:
    """What the command line said about limits; None where it said nothing.

    Attributes:
        memory_bytes: What the sandbox may occupy.
        cell_timeout_s: How long a cell may run.
        max_output_bytes: How much a cell may show.
        interrupt_grace_s: How long a cell may go on when it was told to stop.
    """

    memory_bytes: int | None = None
    cell_timeout_s: float | None = None
    max_output_bytes: int | None = None
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
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Kill a cell that goes on for so long after it was told to stop, and all "
    "variables with it; else after 5 s.",
)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `limits: LimitFlags`.

    Args:
        command: The function behind the command.
    """

    @_MEMORY
    @_INTERRUPT_GRACE
    @wraps(command)
    def with_flags(
        *arguments: Any,
        memory_bytes: int | None,
        interrupt_grace_s: float | None,
        **others: Any,
    ) -> Any:
        limits = LimitFlags(
            memory_bytes=memory_bytes, interrupt_grace_s=interrupt_grace_s
        )
        return command(*arguments, limits=limits, **others)

    return with_flags


def with_limits(options: "WorkerOptions", flags: LimitFlags) -> "WorkerOptions":
    """Return a worker's options with what the flags say.

    Args:
        options: The options without it.
        flags: What the command line said.

    Raises:
        ConfigurationError: A limit is so low that nothing could run.
    """
    # Late: help and usage errors need none of it.
    from runt_worker import MIN_MEMORY_BYTES  # noqa: PLC0415

    limits = options.limits
    if flags.memory_bytes is not None:
        if flags.memory_bytes < MIN_MEMORY_BYTES:
            raise ConfigurationError(
                "--memory-limit is too low: Python itself needs "
                f"{MIN_MEMORY_BYTES // 2**20}M."
            )
        limits = replace(limits, memory_bytes=flags.memory_bytes)
    if flags.interrupt_grace_s is not None:
        limits = replace(limits, interrupt_grace_s=flags.interrupt_grace_s)
    return replace(options, limits=limits)
