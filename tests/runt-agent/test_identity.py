from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from runt_agent import (
    Identity,
    Service,
    TokenRefusedError,
    UnreachableError,
    fetch_identity,
)
from runt_sync import Server

HttpAnswer = Callable[..., bytes]
StartCanned = Callable[[bytes], Awaitable[Any]]
JSON = "application/json"


async def test_a_token_belongs_to_somebody(server: Server, token: str) -> None:
    service = Service(sync_url=server.sync_url, auth_token=token)

    user = await fetch_identity(service)

    assert user.id == "local"


async def test_what_is_not_known_of_a_user_is_none(
    start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer("200 OK", '{"id":"u","x":1}', JSON))

    user = await fetch_identity(Service(sync_url=canned.sync_url, auth_token="t"))

    assert user == Identity(id="u", email=None, name=None)
    [request] = canned.requests
    assert request.startswith("GET /api/me HTTP/1.1\r\n")
    assert "Authorization: Bearer t\r\n" in request


async def test_a_wrong_token_is_refused(server: Server) -> None:
    service = Service(sync_url=server.sync_url, auth_token="wrong-token")

    with pytest.raises(TokenRefusedError, match="does not accept") as refusal:
        await fetch_identity(service)

    assert refusal.value.status == 401
    assert "wrong-token" not in str(refusal.value)


async def test_a_refusal_never_quotes_the_token(
    start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer("403 Forbidden", "not for s3cret!"))

    with pytest.raises(TokenRefusedError) as refusal:
        await fetch_identity(Service(sync_url=canned.sync_url, auth_token="s3cret"))

    assert (refusal.value.status, refusal.value.reason) == (403, "not for ***!")
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Internal Server Error", "oops"),
        ("302 Found", ""),
        ("200 OK", "<html>"),
        ("200 OK", "{}"),
        ("200 OK", '{"id":7}'),
    ],
)
async def test_no_usable_answer_is_an_error_of_its_own(
    status: str, body: str, start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer(status, body, JSON))

    with pytest.raises(UnreachableError, match="/api/me"):
        await fetch_identity(Service(sync_url=canned.sync_url, auth_token="t"))


async def test_a_server_that_says_nothing_is_given_up(
    start_canned: StartCanned,
) -> None:
    canned = await start_canned(b"")

    with pytest.raises(UnreachableError, match="gave no answer"):
        await fetch_identity(
            Service(sync_url=canned.sync_url, auth_token="t"), timeout_s=0.05
        )


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_nobody_listens(scheme: str) -> None:
    service = Service(sync_url=f"{scheme}://127.0.0.1:9/livestore", auth_token="t")

    with pytest.raises(UnreachableError, match="gave no answer"):
        await fetch_identity(service)
