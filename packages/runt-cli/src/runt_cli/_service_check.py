"""Whether a sync server can be reached, and whether it takes the token."""

from typing import Final

from runt_agent import (
    HOSTED_SYNC_URL,
    ConfigError,
    RefusedError,
    Service,
    TokenRefusedError,
    UnreachableError,
    fetch_identity,
    open_notebook,
)
from runt_cli._settings import AUTH_TOKEN, SYNC_URL, Flags
from runt_worker import Check

_LOOK: Final = "is it running, and is the address right?"


async def check_service(connection: Flags) -> list[Check]:
    """Ask a server whom the token belongs to, and join the notebook if one is named.

    Args:
        connection: What is known of it, whatever the source; the hosted service is
            meant where only a token is known.
    """
    url, token = connection.sync_url, connection.auth_token
    if url is None and token is None:
        asked = f"neither {SYNC_URL.flag} nor a token is given"
        return [Check("sync server", f"not asked: {asked}")]
    if token is None:
        return [Check("token", "none is given", f"give {AUTH_TOKEN}")]
    try:
        return await _ask(
            Service(sync_url=url or HOSTED_SYNC_URL, auth_token=token),
            connection.notebook,
        )
    except ConfigError as error:
        return [Check("sync server", str(error), f"correct {SYNC_URL}")]


async def _ask(service: Service, notebook_id: str | None) -> list[Check]:
    answers = Check("sync server", f"{service.http_base} answers")
    try:
        user = await fetch_identity(service)
    except TokenRefusedError as error:
        hint = f"correct {AUTH_TOKEN}"
        return [answers, Check("token", str(error), hint)]
    except UnreachableError as error:
        return [Check("sync server", str(error), _LOOK)]
    checks = [answers, Check("token", f"accepted, as that of {user.id}")]
    if notebook_id is not None:
        checks.append(await _join(service, notebook_id))
    return checks


async def _join(service: Service, notebook_id: str) -> Check:
    """Take the way that the agent takes: a WebSocket, which proxies may refuse."""
    try:
        async with open_notebook(
            sync_url=service.sync_url,
            notebook_id=notebook_id,
            payload={"authToken": service.auth_token},
        ) as notebook:
            cells = len(notebook.state.cells)
            return Check("notebook", f"{notebook_id} was read: {cells} cells")
    except (RefusedError, UnreachableError) as error:
        return Check("notebook", str(error), "may this token read it?")
