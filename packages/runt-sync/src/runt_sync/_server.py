"""A running server: everything it holds is taken in order and given back in reverse."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from ._api import Api
from ._app import App
from ._artifacts import ArtifactStore
from ._data_dir import default_data_dir, hold_data_dir
from ._database import open_database
from ._doors import Doors
from ._event_log import EventLog
from ._known_clients import open_known_clients
from ._limits import Limits
from ._listen import connect_address, open_listener
from ._rooms import Rooms
from ._token import Token, load_or_create_token


class Server:
    """A server that listens. Its repr does not show the token.

    Attributes:
        base_url: Where its HTTP side is, such as `http://127.0.0.1:8787`.
        sync_url: What clients take as their sync URL, `ws://…/livestore`.
    """

    def __init__(self, address: str, token: Token) -> None:
        self.base_url = f"http://{address}"
        self.sync_url = f"ws://{address}/livestore"
        self._token = token

    @property
    def token(self) -> str:
        """The token that clients need."""
        return self._token.reveal()

    def __repr__(self) -> str:
        return f"<Server {self.base_url}>"


@asynccontextmanager
async def open_server(
    *,
    data_dir: Path | None = None,
    token: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
) -> AsyncGenerator[Server]:
    """Run a server for as long as the block runs; it listens when the block begins.

    On the way out clients are told that the server goes, what was accepted is stored,
    and after at most `limits.stop_s` seconds nothing of it is left. Errors of the block
    come out as they are, not in a group.

    Args:
        data_dir: Where everything is kept; None: `default_data_dir()`. Made if it does
            not exist.
        token: What clients have to know; None: the data directory's own, which is
            generated when it is first needed and readable by its owner only.
        host: The address to listen on. Beyond this machine there should be TLS in
            front: the token travels in the URL.
        port: The port, 0 for any free one.
        limits: The bounds to keep; None: the defaults of `Limits`.

    Raises:
        ValueError: The token is empty or not printable ASCII without spaces.
        DataDirError: The data directory cannot be used; the subclasses tell why.
        StorageError: The artifacts in it cannot be put in order.
        BindError: The address cannot be listened on.
    """
    limits = limits or Limits()
    given_token = None if token is None else Token(token)
    failure: Exception | None = None
    with (
        hold_data_dir(data_dir or default_data_dir()) as held,
        open_known_clients(held.known_clients_file, limits) as known,
    ):
        chosen_token = given_token or load_or_create_token(held.token_file)
        async with (
            open_database(held.database_file) as database,
            await open_listener(host, port, silence_s=limits.silence_s) as listener,
            trio.open_nursery() as nursery,
        ):
            log = EventLog(database, limits.sync)
            rooms = Rooms(log, known, limits)
            app = App(chosen_token, log, rooms, limits)
            artifacts = ArtifactStore(database, held.artifacts)
            artifacts.remove_unfinished()
            doors = Doors(app.asgi(Api(chosen_token, artifacts, limits)), limits)
            # Shielded: cancelling the block shall end the server, not tear it.
            serving = trio.CancelScope(shield=True)
            nursery.start_soon(_serve, serving, rooms, doors, listener)
            try:
                yield Server(connect_address(listener), chosen_token)
            except Exception as error:  # noqa: BLE001 - raised again below
                failure = error  # out of the nursery first, which would wrap it
            finally:
                with trio.move_on_after(limits.stop_s, shield=True):
                    app.stop()
                    await doors.close()
                serving.cancel()
    if failure is not None:
        raise failure


async def serve(  # noqa: PLR0913 - what `open_server` takes, and trio's own
    *,
    data_dir: Path | None = None,
    token: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a server until it is cancelled; then it ends as `open_server` does.

    Args:
        data_dir: As for `open_server`, and so are the others.
        token: See there.
        host: See there.
        port: See there.
        limits: See there.
        task_status: Gets the server once it listens.

    Raises:
        ValueError: The token is empty or not printable ASCII without spaces.
        DataDirError: The data directory cannot be used; the subclasses tell why.
        StorageError: The artifacts in it cannot be put in order.
        BindError: The address cannot be listened on.
    """
    async with open_server(
        data_dir=data_dir, token=token, host=host, port=port, limits=limits
    ) as server:
        task_status.started(server)
        await trio.sleep_forever()


async def _serve(
    scope: trio.CancelScope, rooms: Rooms, doors: Doors, listener: trio.SocketListener
) -> None:
    with scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rooms.commit_for_ever)
            nursery.start_soon(doors.serve, listener)
