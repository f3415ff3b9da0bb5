"""The options that every command has that runs cells."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from runt_cli._file_options import FileFlags, file_options
from runt_cli._limit_options import LimitFlags, limit_options
from runt_cli._log_options import LogFlags, log_options
from runt_cli._network_options import NetworkFlags, network_options
from runt_cli._package_options import PackageFlags, package_options


class SandboxFlags(NamedTuple):
    """What the command line said about the sandbox.

    Attributes:
        files: What it said about files.
        packages: What it said about packages.
        limits: What it said about limits.
        log: What it said about logs.
        network: What it said about the network.
    """

    files: FileFlags
    packages: PackageFlags
    limits: LimitFlags
    log: LogFlags
    network: NetworkFlags


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `sandbox: SandboxFlags`.

    Args:
        command: The function behind the command.
    """

    @file_options
    @package_options
    @limit_options
    @log_options
    @network_options
    @wraps(command)
    def with_flags(
        *arguments: Any,
        files: FileFlags,
        packages: PackageFlags,
        limits: LimitFlags,
        log: LogFlags,
        network: NetworkFlags,
        **others: Any,
    ) -> Any:
        flags = SandboxFlags(files, packages, limits, log, network)
        return command(*arguments, sandbox=flags, **others)

    return with_flags
