"""The ASGI application: sync over WebSocket, and the HTTP side beside it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from ._admission import admit
from ._api import FAILURES, Api, answer_failure
from ._errors import RefusedError
from ._event_log import EventLog
from ._limits import Limits
from ._member import GOING_AWAY, SocketMember
from ._rooms import Rooms
from ._token import Token

# The client of 0.3 puts the last part behind the sync URL, that of 0.4 does not.
_PATHS = ("/livestore/websocket", "/livestore")


class App:
    """Lets WebSockets in and knows them, so that it can end them.

    Args:
        token: The server's token.
        log: The event log.
        rooms: The rooms on that log.
        limits: The bounds to keep.
    """

    def __init__(
        self, token: Token, log: EventLog, rooms: Rooms, limits: Limits
    ) -> None:
        self._token = token
        self._log = log
        self._rooms = rooms
        self._limits = limits
        self._members: set[SocketMember] = set()
        self._stopping = False

    def asgi(self, api: Api) -> Starlette:
        """Return the application as an ASGI server takes it."""
        return Starlette(
            routes=[
                *(WebSocketRoute(path, self._sync) for path in _PATHS),
                *(Route(path, _upgrade_required, methods=["GET"]) for path in _PATHS),
                *api.routes,
            ],
            exception_handlers=dict.fromkeys(FAILURES, answer_failure),
        )

    def stop(self) -> None:
        """Close all WebSockets; clients reconnect to whatever comes next."""
        self._stopping = True
        for member in self._members:
            member.close(GOING_AWAY, "the server stops", flush=True)

    async def _sync(self, websocket: WebSocket) -> None:
        try:
            admission = admit(
                websocket.scope["query_string"], self._token, self._limits
            )
        except RefusedError as error:
            # As the hosted service does; the text says which of all the reasons it is.
            await websocket.send_denial_response(
                PlainTextResponse(error.reason, status_code=400)
            )
            return
        if self._stopping:
            await websocket.send_denial_response(
                PlainTextResponse("the server stops", status_code=503)
            )
            return
        await websocket.accept()
        member = SocketMember(websocket, self._log, self._limits)
        self._members.add(member)
        try:
            await member.run(self._rooms, admission.store_id, admission.wire)
        finally:
            self._members.discard(member)


async def _upgrade_required(_request: Request) -> Response:
    return PlainTextResponse(
        "this is a WebSocket endpoint",
        status_code=426,
        headers={"upgrade": "websocket", "connection": "upgrade"},
    )
