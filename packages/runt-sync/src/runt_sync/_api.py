"""The HTTP side: who the token belongs to, artifacts, and whether the server lives.

No check of the Host header stands against DNS rebinding here: a page that reaches this
server under a name of its own still lacks the token, or the id of an artifact, and no
browser adds either by itself. The check would only break servers behind a proxy.
"""

import logging
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from runt_protocol import format_date

from ._admission import USER_ID
from ._artifacts import ArtifactStore
from ._errors import ArtifactTooLargeError, StorageError
from ._limits import Limits
from ._token import Token

_log = logging.getLogger("runt_sync")

# An artifact can be HTML or SVG that somebody's notebook made. Shown by itself it must
# not run as a page of this origin, and no browser may guess it into something else.
_ARTIFACT_HEADERS: Final = {
    "content-security-policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    ),
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",  # the web application shows them
    "cache-control": "private, max-age=31536000, immutable",
}


class Api:
    """Answers HTTP requests; every refusal is a JSON object with the key `error`.

    Args:
        token: The server's token.
        artifacts: Where artifacts are kept.
        limits: The bounds to keep.
    """

    def __init__(self, token: Token, artifacts: ArtifactStore, limits: Limits) -> None:
        self._token = token
        self._artifacts = artifacts
        self._limits = limits
        self.routes: Final = [
            Route("/healthz", self.health, methods=["GET"]),
            Route("/api/me", self.me, methods=["GET"]),
            Route("/api/artifacts", self.add_artifact, methods=["POST"]),
            Route("/api/artifacts/{id}", self.get_artifact, methods=["GET"]),
        ]

    async def health(self, _request: Request) -> Response:
        """Say that the server answers."""
        return JSONResponse({"status": "ok"})

    async def me(self, request: Request) -> Response:
        """Say who the token belongs to. A server with one token has one user."""
        self._authorize(request)
        return JSONResponse(
            {"id": USER_ID, "email": "local@localhost", "name": "Local user"}
        )

    async def add_artifact(self, request: Request) -> Response:
        """Store the body of the request as an artifact of a notebook."""
        self._authorize(request)
        notebook_id = request.headers.get("x-notebook-id")
        if not notebook_id:
            raise HTTPException(400, "the header x-notebook-id is missing")
        content_type = request.headers.get("content-type", "application/octet-stream")
        if not _is_content_type(content_type, self._limits.max_content_type_bytes):
            raise HTTPException(400, "the header content-type is no media type")
        artifact_id = await self._artifacts.add(
            await self._body(request),
            content_type=content_type,
            notebook_id=notebook_id,
            created_at=format_date(datetime.now(UTC)),
        )
        return JSONResponse({"artifactId": artifact_id})

    async def get_artifact(self, request: Request) -> Response:
        """Return an artifact to whoever knows its id.

        No token is asked for, since web pages show images by their URL alone. The id
        is random (192 bits) and known only from the notebook, which takes the token.
        """
        artifact = await self._artifacts.find(request.path_params["id"])
        if artifact is None or not artifact.host_path.is_file():
            raise HTTPException(404, "there is no artifact of this id")
        headers = {**_ARTIFACT_HEADERS, "content-type": artifact.content_type}
        return FileResponse(artifact.host_path, headers=headers)

    def _authorize(self, request: Request) -> None:
        scheme, _, candidate = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._token.matches(candidate.strip()):
            raise HTTPException(
                401,
                "the header Authorization needs Bearer and the server's token",
                headers={"www-authenticate": "Bearer"},
            )

    async def _body(self, request: Request) -> bytes:
        max_bytes = self._limits.max_artifact_bytes
        # Asked first, so that a client which says what it has is spared sending it.
        announced = request.headers.get("content-length", "0")
        if int(announced) > max_bytes:  # h11 lets nothing but digits through
            raise ArtifactTooLargeError(max_bytes)
        body = bytearray()
        async with aclosing(request.stream()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > max_bytes:
                    raise ArtifactTooLargeError(max_bytes)
        return bytes(body)


async def answer_failure(_request: Request, failure: Exception) -> Response:
    """Turn what a handler has raised into an answer.

    Args:
        failure: One of `FAILURES`; no other gets here.
    """
    match failure:
        case HTTPException(status_code=status, detail=reason, headers=headers):
            return JSONResponse({"error": reason}, status, headers)
        case ArtifactTooLargeError():
            return JSONResponse({"error": str(failure)}, 413)
        case StorageError():
            _log.error("an artifact could be neither stored nor read: %s", failure)
            return JSONResponse({"error": "the server's disk does not answer"}, 503)
        case _:  # ClientDisconnect: nobody is there to read this
            return JSONResponse({"error": "the request ended early"}, 400)


FAILURES: Final = (
    HTTPException,
    ArtifactTooLargeError,
    StorageError,
    ClientDisconnect,
)
"""What `answer_failure` answers."""


def _is_content_type(text: str, max_bytes: int) -> bool:
    is_short = len(text) <= max_bytes
    return is_short and text.isascii() and text.isprintable() and "/" in text
