"""The options that name a notebook, its server and its token, as several commands have.

Source: the command line of the TypeScript agent, whose flags and variables these are.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from runt_cli._errors import ConfigurationError
from runt_cli._settings import (
    AUTH_TOKEN,
    NOTEBOOK,
    RUNTIME_ID,
    SYNC_URL,
    Connection,
    Flags,
    Setting,
    parse_env_file,
    resolve_connection,
)

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])

ENV_FILE = click.option(
    "--env-file",
    type=click.Path(),  # as text: help does without pathlib, which costs a tenth of it
    metavar="FILE",
    help="Read variables from FILE; those of the environment beat them.",
)


def setting_option(
    setting: Setting, *short: str, metavar: str, help_text: str
) -> Callable[[_CommandT], _CommandT]:
    """Make the option of a setting; its variables are looked up later, with the file.

    Args:
        setting: The setting.
        short: Short forms of its flag.
        metavar: What help calls its value.
        help_text: What help says of it.
    """
    variables = " or ".join(setting.variables)
    return click.option(
        setting.flag, *short, metavar=metavar, help=f"{help_text} [{variables}]"
    )


NOTEBOOK_OPTION = setting_option(
    NOTEBOOK, "-n", metavar="ID", help_text="The notebook to join."
)
AUTH_TOKEN_OPTION = setting_option(
    AUTH_TOKEN,
    "-t",
    metavar="TOKEN",
    help_text="The token that opens it. Other users of this machine can see a flag; "
    "prefer the variable.",
)
SYNC_URL_OPTION = setting_option(
    SYNC_URL,
    "-s",
    metavar="URL",
    help_text="The sync server, ws:// or wss://, if not that of the hosted service.",
)
RUNTIME_ID_OPTION = setting_option(
    RUNTIME_ID, metavar="ID", help_text="A lasting name for this runtime."
)


def connection_of(flags: Flags, env_file: str | None) -> Connection:
    """Decide on a connection by flags, environment and the named file.

    Args:
        flags: What the command line said.
        env_file: What `--env-file` named.

    Raises:
        ConfigurationError: Something is missing, or the file is of no use.
    """
    return resolve_connection(flags, os.environ, _variables_of(env_file))


def partial_connection_of(flags: Flags, env_file: str | None) -> Flags:
    """Find what is known of a connection, by flags, environment and the named file.

    Args:
        flags: What the command line said.
        env_file: What `--env-file` named.

    Raises:
        ConfigurationError: The file is of no use.
    """
    sources = (os.environ, _variables_of(env_file))
    return Flags(
        notebook=NOTEBOOK.find(flags.notebook, *sources),
        auth_token=AUTH_TOKEN.find(flags.auth_token, *sources),
        sync_url=SYNC_URL.find(flags.sync_url, *sources),
        runtime_id=RUNTIME_ID.find(flags.runtime_id, *sources),
    )


def _variables_of(env_file: str | None) -> dict[str, str]:
    if env_file is None:
        return {}
    try:
        with open(env_file, encoding="utf-8") as file:  # noqa: PTH123 (no pathlib)
            text = file.read()
    except OSError as error:
        raise ConfigurationError(
            f"{env_file} cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{env_file} is not UTF-8 text.") from None
    return parse_env_file(text)
