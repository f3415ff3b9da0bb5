"""The option that says what user code may reach on the network."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from runt_worker import WorkerOptions


class NetworkFlags(NamedTuple):
    """What the command line said about the network, word for word.

    Attributes:
        allowed: Hosts, each perhaps with a port; `*` stands for every public one.
    """

    allowed: tuple[str, ...] = ()


class _Host(click.ParamType[str]):
    """A host that can be granted: `example.com`, `192.0.2.1:8080`, `*`."""

    name = "host"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        # Late: help needs none of it.
        from runt_worker import GrantError, NetworkGrants  # noqa: PLC0415

        try:
            NetworkGrants.parse(value)
        except GrantError as error:
            self.fail(
                f"{error}. (For every public host, write --allow-net '*', or "
                "--allow-net where another option follows, or nothing.)",
                param,
                ctx,
            )
        return value


_ALLOW_NET = click.option(
    "--allow-net",
    "allowed",
    type=_Host(),
    multiple=True,
    is_flag=False,
    flag_value="*",
    metavar="[HOST[:PORT]]",
    help="Let cells make HTTP requests to a host; without one, to every host but this "
    "machine and private addresses, which have to be named. Repeatable.",
)


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option to a command, which gets it as `network: NetworkFlags`.

    Args:
        command: The function behind the command.
    """

    @_ALLOW_NET
    @wraps(command)
    def with_network_flags(
        *arguments: Any, allowed: tuple[str, ...], **others: Any
    ) -> Any:
        return command(*arguments, network=NetworkFlags(allowed), **others)

    return with_network_flags


def with_network(options: "WorkerOptions", flags: NetworkFlags) -> "WorkerOptions":
    """Return a worker's options with what the flags say.

    Args:
        options: The options without it.
        flags: What the command line said.
    """
    # Late: help needs none of it.
    from dataclasses import replace  # noqa: PLC0415

    from runt_worker import NetworkGrants  # noqa: PLC0415

    return replace(options, allow_net=NetworkGrants.parse(*flags.allowed))
