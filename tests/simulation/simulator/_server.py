"""The sync server of a simulation: its real parts, from the application down to SQL."""

from contextvars import copy_context
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import trio
from starlette.applications import Starlette

import runt_protocol
from runt_sync._api import Api
from runt_sync._app import App
from runt_sync._artifacts import ArtifactStore
from runt_sync._event_log import EventLog
from runt_sync._known_clients import KnownClients, open_known_clients
from runt_sync._limits import Limits
from runt_sync._rooms import Rooms
from runt_sync._token import Token

from ._disk import Disk
from ._machine import Machine, this_machine
from ._network import Link, Network
from ._trace import Trace


class SimulatedServer:
    """A machine on which the sync server runs, or does not at the moment.

    Attributes:
        machine: The machine.
        token: What clients have to know.
        is_stopping: Whether it ends in good order at the moment.
        token_is_expired: Whether it opens nothing at the moment.

    Args:
        nursery: Where its tasks run.
        disk: What outlives its process.
        network: Where its clients are.
        limits: The bounds that it keeps.
        trace: Takes notes.
    """

    def __init__(  # noqa: PLR0917 - its parts
        self,
        nursery: trio.Nursery,
        disk: Disk,
        network: Network,
        limits: runt_protocol.Limits,
        max_queued_frames: int,
        trace: Trace,
    ) -> None:
        self.machine = Machine("server")
        self.token = "the-token"
        self.token_is_expired = False
        self.is_stopping = False
        self._nursery = nursery
        self._disk = disk
        self._network = network
        self._limits = Limits(sync=limits, max_queued_frames=max_queued_frames)
        self._trace = trace
        self._process: trio.CancelScope | None = None
        self._app: App | None = None

    @property
    def is_up(self) -> bool:
        """Whether the process runs."""
        return self._process is not None

    def start(self) -> None:
        """Start the process on whatever the disk holds."""
        if self._process is None:
            self._trace.note("server", "starts")
            self._process = trio.CancelScope()
            context = copy_context()
            context.run(this_machine.set, self.machine)
            context.run(self._nursery.start_soon, self._run, self._process)

    def kill(self) -> None:
        """End the process where it stands."""
        if self._process is None:
            return
        self._trace.note("server", "is killed")
        self._network.serve = None
        self._network.ask_http = None
        self._network.sever_server()
        self._disk.power_off()
        self._process.cancel()
        self._process = None
        self.is_stopping = False

    async def stop(self) -> None:
        """End the process as a SIGTERM does."""
        if self._app is not None and self._process is not None:
            process = self._process
            self._trace.note("server", "stops")
            self.is_stopping = True
            self._app.stop()
            await trio.sleep(self._limits.close_s)
            if self._process is process:
                self.kill()

    async def _run(self, process: trio.CancelScope) -> None:
        # Of no use here: clients of ours say where they stand.
        with (
            TemporaryDirectory() as folder,
            open_known_clients(Path(folder) / "known", self._limits) as known,
        ):
            await self._serve(process, known)

    async def _serve(self, process: trio.CancelScope, known: KnownClients) -> None:
        database = self._disk.open()
        log = EventLog(database, self._limits.sync)
        rooms = Rooms(log, known, self._limits)
        token = _ExpiringToken(self)
        app = self._app = App(token, log, rooms, self._limits)
        artifacts = ArtifactStore(database, Path("nowhere"))
        asgi = app.asgi(Api(token, artifacts, self._limits))
        with process:
            async with trio.open_nursery() as nursery:

                def serve(link: Link) -> None:
                    nursery.start_soon(self._network.serve_link, link, asgi)

                self._network.serve = serve
                self._network.ask_http = _HttpSide(asgi).ask
                nursery.start_soon(rooms.commit_for_ever)


class _ExpiringToken(Token):
    def __init__(self, server: SimulatedServer) -> None:
        super().__init__(server.token)
        self._server = server

    def matches(self, candidate: str) -> bool:
        return not self._server.token_is_expired and super().matches(candidate)


class _HttpSide:
    def __init__(self, asgi: Starlette) -> None:
        self._asgi = asgi

    async def ask(self, path: str, authorization: str) -> tuple[int, bytes]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._asgi), trust_env=False
        ) as client:
            response = await client.get(
                f"http://server{path}", headers={"Authorization": authorization}
            )
            return response.status_code, response.content
