"""A click group that imports a command only when it is called.

Commands bring trio, websockets or nbformat with them; help and usage errors need none.
"""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click


class LazyCommand(NamedTuple):
    """Where a command is, and what the group's help says of it.

    Attributes:
        module: The module that holds it under the name `command`.
        summary: One line.
    """

    module: str
    summary: str


class LazyGroup(click.Group):
    """A group whose commands are imported on demand."""

    def __init__(self, *, lazy: Mapping[str, LazyCommand], **options: Any) -> None:
        """Make a group.

        Args:
            lazy: The commands by name, in the order in which help lists them.
            options: What `click.Group` takes.
        """
        super().__init__(**options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in order."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is no such."""
        del ctx
        found = self._lazy.get(cmd_name)
        return importlib.import_module(found.module).command if found else None

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands in the help, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, it.summary) for name, it in self._lazy.items()])
