"""Where a setting's value comes from: a flag, the environment, or a named file.

A flag beats the environment, the environment beats the file. The file is only ever the
one that `--env-file` names: one that merely lies about could have been planted by code
that runs in a sandbox with that directory mounted.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from runt_cli._errors import ConfigurationError


class Setting(NamedTuple):
    """A value that the command line needs, and the names it goes by.

    Attributes:
        what: What it is, as it reads in a sentence.
        flag: The flag that sets it.
        variables: The variables that set it; where several stand in one source, the
            first wins.
    """

    what: str
    flag: str
    variables: tuple[str, ...]

    def find(
        self,
        flag_value: str | None,
        environment: Mapping[str, str],
        file_values: Mapping[str, str],
    ) -> str | None:
        """Find the value in the strongest source that has one.

        Args:
            flag_value: What the flag said; None or empty if it was not given.
            environment: The variables of the process; empty ones count as not set.
            file_values: The variables of the file that `--env-file` names.

        Returns:
            The value, or None if no source has one.
        """
        candidates = [flag_value]
        for source in (environment, file_values):
            candidates.extend(source.get(name) for name in self.variables)
        return next((value for value in candidates if value), None)

    def __str__(self) -> str:
        return (
            f"{self.what} ({self.flag}, or the variable {' or '.join(self.variables)})"
        )


NOTEBOOK: Final = Setting(
    what="the notebook's id", flag="--notebook", variables=("NOTEBOOK_ID",)
)
AUTH_TOKEN: Final = Setting(
    what="the auth token",
    flag="--auth-token",
    # The web application's instructions call it RUNT_API_KEY.
    variables=("AUTH_TOKEN", "RUNT_API_KEY"),
)
SYNC_URL: Final = Setting(
    what="the sync URL", flag="--sync-url", variables=("LIVESTORE_SYNC_URL",)
)
RUNTIME_ID: Final = Setting(
    what="the runtime's id", flag="--runtime-id", variables=("RUNTIME_ID",)
)


SERVER_TOKEN_VARIABLE: Final = "RUNT_SYNC_TOKEN"  # noqa: S105 - its name
"""Sets the token of a server of ours; AUTH_TOKEN may well be that of another one."""


class Flags(NamedTuple):
    """What the command line said about a connection; None where it said nothing."""

    notebook: str | None = None
    auth_token: str | None = None
    sync_url: str | None = None
    runtime_id: str | None = None

    def __repr__(self) -> str:
        return _without_token(self)


class Connection(NamedTuple):
    """Everything that is needed to reach a notebook.

    Attributes:
        notebook_id: The notebook, which is also the store at the sync server.
        auth_token: What identifies its bearer there; never part of the repr.
        sync_url: The sync endpoint; None means that of the hosted service.
        runtime_id: A name for the runtime; None if nobody gave one.
    """

    notebook_id: str
    auth_token: str
    sync_url: str | None
    runtime_id: str | None

    def __repr__(self) -> str:
        return _without_token(self)


def _without_token(settings: Flags | Connection) -> str:
    shown = {**settings._asdict(), "auth_token": "..."}
    return f"{type(settings).__name__}({shown})"


def resolve_connection(
    flags: Flags, environment: Mapping[str, str], file_values: Mapping[str, str]
) -> Connection:
    """Decide which notebook is meant, where it is, and who asks.

    Args:
        flags: What the command line said.
        environment: The variables of the process.
        file_values: The variables of the file that `--env-file` names, if any.

    Returns:
        The connection.

    Raises:
        ConfigurationError: The notebook's id or the token is given nowhere. The text
            names all that is missing, with flags and variables.
    """
    notebook_id = NOTEBOOK.find(flags.notebook, environment, file_values)
    auth_token = AUTH_TOKEN.find(flags.auth_token, environment, file_values)
    if notebook_id is None or auth_token is None:
        needed = ((NOTEBOOK, notebook_id), (AUTH_TOKEN, auth_token))
        missing = [str(setting) for setting, value in needed if value is None]
        raise ConfigurationError(f"Missing: {'; '.join(missing)}.")
    return Connection(
        notebook_id=notebook_id,
        auth_token=auth_token,
        sync_url=SYNC_URL.find(flags.sync_url, environment, file_values),
        runtime_id=RUNTIME_ID.find(flags.runtime_id, environment, file_values),
    )


def server_token(environment: Mapping[str, str]) -> str | None:
    """Decide on the token that a server of ours asks of its clients.

    Args:
        environment: The variables of the process.

    Returns:
        The token; None if the server shall use the one of its data directory.

    Raises:
        ConfigurationError: The variable holds what no HTTP header could carry.
    """
    token = environment.get(SERVER_TOKEN_VARIABLE) or None
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError(
            f"{SERVER_TOKEN_VARIABLE} must be printable ASCII without spaces."
        )
    return token


def parse_env_file(text: str) -> dict[str, str]:
    """Read lines of `NAME=value`.

    Empty lines and lines that begin with `#` mean nothing, `export ` before a name is
    allowed, and a pair of quotes around a value is taken off. Nothing is expanded.

    Args:
        text: The file's text.

    Returns:
        The variables, in the file's order; of two equal names the later counts.

    Raises:
        ConfigurationError: A line is something else. The text gives its number only,
            since the line itself may hold a token.
    """
    return dict(_assignments(text))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        name, equals, value = content.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigurationError(
                f"Line {number} of the environment file is no NAME=value."
            )
        yield name.strip(), _unquoted(value.strip())


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if len(value) > 1 and value.startswith(quote) and value.endswith(quote):
            return value[1:-1]
    return value
