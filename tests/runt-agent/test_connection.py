import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
import trio
from websockets.trio.server import ServerConnection, serve

from runt_agent import (
    ConfigError,
    ConnectionRefusedByServerError,
    Limits,
    LiveStoreVersion,
    LogReplacedError,
    Notebook,
    NotebookClosedError,
    OnLogged,
    Service,
    UnreachableError,
    fetch_identity,
    open_notebook,
)
from runt_protocol import (
    CellCreatedV2,
    Event,
    InvalidEventError,
    LoggedEvent,
    Wire,
    WireV04,
)
from runt_sync import Server
from runt_sync._errors import RefusedError

HttpAnswer = Callable[..., bytes]
StartCanned = Callable[..., Awaitable[Any]]
StartServer = Callable[..., Awaitable[Any]]


def cell(cell_id: str) -> Event:
    return CellCreatedV2(
        id=cell_id, fractional_index="a0", cell_type="code", created_by="someone"
    )


def joined(
    server: Server,
    *,
    limits: Limits | None = None,
    on_logged: OnLogged | None = None,
    may_push: Callable[[], bool] | None = None,
    livestore: LiveStoreVersion | None = None,
) -> AbstractAsyncContextManager[Notebook]:
    return open_notebook(
        sync_url=server.sync_url,
        notebook_id="nb",
        payload={"authToken": server.token},
        limits=limits or Limits(),
        on_logged=on_logged,
        may_push=may_push,
        livestore=livestore,
    )


async def test_what_one_client_commits_another_sees(server: Server) -> None:
    async with joined(server) as first, joined(server) as second:
        [ticket] = first.commit(cell("c"))
        assert "c" in first.state.cells  # at once
        assert not first.is_confirmed(ticket)

        with trio.fail_after(5):
            await second.wait_for(lambda state: "c" in state.cells)
            await first.wait_confirmed(ticket)

        assert first.pending_count == 0
        assert first.state.tables() == second.state.tables()


async def test_clients_of_both_versions_meet_in_a_notebook(server: Server) -> None:
    async with joined(server, livestore="0.3") as one:
        one.commit(*(cell(f"c{n}") for n in range(250)))
        await one.flush()
        async with joined(server, livestore="0.4") as two:
            assert len(two.state.cells) == 250
            two.commit(cell("of two"))
            one.commit(cell("of one"))
            with trio.fail_after(30):
                await one.wait_for(lambda state: "of two" in state.cells)
                await two.wait_for(lambda state: "of one" in state.cells)
                await two.flush()
                await one.flush()
            assert one.state.tables() == two.state.tables()


async def test_a_held_commit_waits_for_company_but_not_for_ever(
    server: Server,
) -> None:
    log: list[LoggedEvent] = []
    async with joined(server, on_logged=log.append) as notebook:
        notebook.commit(cell("held"), hold_s=0.3)
        await trio.sleep(0.1)
        assert log == []

        notebook.commit(cell("held too"), hold_s=60)
        notebook.commit(cell("not held"))
        with trio.fail_after(5):
            await notebook.flush()
        assert len(log) == 3

        notebook.commit(cell("alone"), hold_s=0.1)
        with trio.fail_after(5):
            await notebook.flush()


async def test_who_may_not_push_any_more_keeps_what_is_pending(
    server: Server,
) -> None:
    allowed = True
    async with joined(server, may_push=lambda: allowed) as notebook:
        notebook.commit(cell("before"))
        await notebook.flush()

        allowed = False
        notebook.commit(cell("after"))
        await trio.sleep(0.1)

        assert notebook.pending_count == 1
        async with joined(server) as other:
            assert set(other.state.cells) == {"before"}


async def test_the_block_begins_at_the_head_of_the_log(server: Server) -> None:
    async with joined(server) as notebook:
        notebook.commit(*(cell(f"c{n}") for n in range(250)))
        await notebook.flush()

    log: list[LoggedEvent] = []
    async with joined(server, on_logged=log.append) as notebook:
        assert notebook.is_synced
        assert len(notebook.state.cells) == 250
        assert [event.seq_num for event in log] == list(range(1, 251))

        notebook.commit(cell("mine"))
        await notebook.flush()
        assert log[-1].name == "v2.CellCreated"
        assert len(log) == 251


async def test_an_event_that_nobody_could_read_is_not_committed(
    server: Server,
) -> None:
    async with joined(server) as notebook:
        wrong = CellCreatedV2(
            id="c",
            fractional_index="a0",
            cell_type="poem",  # pyright: ignore[reportArgumentType] - it is the point
            created_by="u",
        )
        with pytest.raises(InvalidEventError):
            notebook.commit(cell("before"), wrong)

        assert not notebook.state.cells
        assert notebook.pending_count == 0


async def test_a_wrong_token_is_refused_once_and_never_shown(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConnectionRefusedByServerError) as refusal:
        async with open_notebook(
            sync_url=server.sync_url,
            notebook_id="nb",
            payload={"authToken": "s3cret-but-wrong"},
        ):
            pytest.fail("the server let us in")

    assert refusal.value.status in {400, 401, 403}
    assert refusal.value.reason
    told = f"{refusal.value!r} {refusal.value} {caplog.text}"
    assert "s3cret-but-wrong" not in told


async def test_the_servers_words_are_in_the_refusal_but_not_the_token(
    start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer("400 Bad Request", "bad token s3cret"))

    with pytest.raises(ConnectionRefusedByServerError) as refusal:
        async with open_notebook(
            sync_url=canned.sync_url, notebook_id="nb", payload={"authToken": "s3cret"}
        ):
            pytest.fail("the server let us in")

    old, new = canned.requests
    assert "/websocket?" in old.splitlines()[0]
    assert "transport=ws" in new.splitlines()[0]
    assert str(refusal.value).endswith(
        "refused the connection (HTTP 400): bad token ***"
    )


@pytest.mark.parametrize(
    "status", ["500 Internal Server Error", "503 Service Unavailable", "429 Slow Down"]
)
async def test_a_refusal_that_may_pass_is_met_with_patience(
    status: str, start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer(status))

    with pytest.raises(UnreachableError, match=r"within 0\.5 s.*HTTP"):
        async with open_notebook(
            sync_url=canned.sync_url,
            notebook_id="nb",
            payload={},
            limits=Limits(first_connect_timeout_s=0.5),
        ):
            pytest.fail("the server let us in")

    assert 2 <= len(canned.requests) <= 5  # 100 ms, doubled each time


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n"])
async def test_whoever_is_no_sync_server_is_given_up(
    answer: bytes, start_canned: StartCanned
) -> None:
    canned = await start_canned(answer)

    with pytest.raises(UnreachableError):
        async with open_notebook(
            sync_url=canned.sync_url,
            notebook_id="nb",
            payload={},
            limits=Limits(first_connect_timeout_s=0.3, handshake_timeout_s=0.1),
        ):
            pytest.fail("the server let us in")


async def test_nobody_listens() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9 .* refused"):
        async with open_notebook(
            sync_url="ws://127.0.0.1:9/livestore",
            notebook_id="nb",
            payload={},
            limits=Limits(first_connect_timeout_s=0.2),
        ):
            pytest.fail("nobody let us in")


async def test_a_url_that_cannot_work_is_refused_before_anything_is_tried() -> None:
    with pytest.raises(ConfigError):
        async with open_notebook(sync_url="http://host", notebook_id="nb", payload={}):
            pytest.fail("this is no WebSocket URL")


async def test_a_redirect_to_nowhere_is_an_error_that_holds_no_url(
    start_canned: StartCanned, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canned = await start_canned(
        b"HTTP/1.1 302 Found\r\nlocation: gopher://x/?t=s3cret\r\n"
        b"content-length: 0\r\n\r\n"
    )

    with pytest.raises(ConfigError) as refusal:
        async with open_notebook(
            sync_url=canned.sync_url, notebook_id="nb", payload={"authToken": "s3cret"}
        ):
            pytest.fail("there is no server")

    assert "s3cret" not in f"{refusal.value} {caplog.text}"


async def test_an_error_of_the_block_comes_out_as_it_is(server: Server) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with joined(server):
            raise LookupError("mine")


async def test_a_closed_notebook_says_so(server: Server) -> None:
    async with joined(server) as notebook:
        pass

    with pytest.raises(NotebookClosedError):
        notebook.commit(cell("c"))
    with pytest.raises(NotebookClosedError):
        await notebook.wait_for(lambda state: "c" in state.cells)


async def test_the_connection_comes_back_by_itself(start_server: StartServer) -> None:
    first = await start_server()
    async with joined(first.server) as notebook:
        notebook.commit(cell("before"))
        await notebook.flush()

        await first.stop()
        notebook.commit(cell("between"))
        await trio.sleep(0.05)
        assert notebook.pending_count == 1

        second = await start_server(port=first.port)
        async with joined(second.server) as other:
            other.commit(cell("foreign"))
            await other.flush()
        with trio.fail_after(10):
            await notebook.flush()
            await notebook.wait_for(lambda state: "foreign" in state.cells)
        assert set(notebook.state.cells) == {"before", "between", "foreign"}


async def test_a_service_may_begin_to_speak_another_version(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def new_only(transport: str | None) -> Wire:
        if transport is None:
            raise RefusedError("speak up")
        return WireV04()

    first = await start_server()
    async with joined(first.server) as notebook:
        notebook.commit(cell("before"))
        await notebook.flush()
        await first.stop()
        monkeypatch.setattr("runt_sync._admission._wire", new_only)
        second = await start_server(port=first.port)

        notebook.commit(cell("after"))
        with trio.fail_after(60):
            await notebook.flush()

        async with joined(second.server, livestore="0.4") as other:
            assert set(other.state.cells) == {"before", "after"}
            assert other.state.tables() == notebook.state.tables()


@pytest.mark.parametrize("livestore", ["0.3", "0.4"])
@pytest.mark.parametrize("title", [None, "short", "long"])
async def test_a_log_that_was_lost_is_not_mixed_with_what_came_after(
    start_server: StartServer, livestore: LiveStoreVersion, title: str | None
) -> None:
    first = await start_server()
    notebooks: list[Notebook] = []
    servers = [first]

    with trio.fail_after(60), pytest.raises(LogReplacedError) as replaced:  # noqa: PT012 - the block itself is what ends
        async with joined(first.server, livestore=livestore) as notebook:
            notebooks.append(notebook)
            notebook.commit(cell("a"), cell("b"), cell("c"))
            await notebook.flush()
            await first.stop()
            notebook.commit(cell("pending"))
            second = await start_server(folder="another")
            if title is not None:
                async with joined(second.server) as other:
                    count = 1 if title == "short" else 5
                    other.commit(*[cell(f"new {n}") for n in range(count)])
                    await other.flush()
            await second.stop()
            servers.append(await start_server(port=first.port, folder="another"))
            await trio.sleep_forever()

    assert (replaced.value.head, replaced.value.lost_count) == (3, 1)
    assert "Start again to follow the log that it has now" in str(replaced.value)
    assert set(notebooks[0].state.cells) == {"a", "b", "c", "pending"}
    async with joined(servers[-1].server) as fresh:
        count = {None: 0, "short": 1, "long": 5}[title]
        assert set(fresh.state.cells) == {f"new {n}" for n in range(count)}


async def test_a_revoked_token_ends_it_after_a_few_refusals(
    start_server: StartServer,
) -> None:
    first = await start_server("old-token")
    limits = Limits(refusals_until_giving_up=3)

    with trio.fail_after(10), pytest.raises(ConnectionRefusedByServerError):  # noqa: PT012 - the block itself is what ends
        async with joined(first.server, limits=limits):
            await first.stop()
            await start_server("new-token", first.port)
            await trio.sleep_forever()


async def test_another_version_is_tried_only_before_it_would_give_up(
    start_server: StartServer, start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    first = await start_server()
    canned: list[Any] = []
    limits = Limits(refusals_until_giving_up=3)

    with trio.fail_after(60), pytest.raises(ConnectionRefusedByServerError) as refusal:  # noqa: PT012 - the block itself is what ends
        async with joined(first.server, limits=limits):
            await first.stop()
            answer = http_answer("400 Bad Request", "the token has expired")
            canned.append(await start_canned(answer, first.port))
            await trio.sleep_forever()

    assert refusal.value.reason == "the token has expired"
    heads: list[str] = [request.splitlines()[0] for request in canned[0].requests]
    assert ["transport=ws" in head for head in heads] == [False, False, False, True]


async def test_closing_waits_for_no_server(start_server: StartServer) -> None:
    running = await start_server()

    with trio.fail_after(5):
        async with joined(running.server):
            await running.stop()
            await trio.sleep(0.3)  # by now it tries to connect, or waits to


async def test_no_proxy_is_asked_for_a_server_on_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    service = Service(sync_url=server.sync_url, auth_token=server.token)
    assert (await fetch_identity(service)).id == "local"
    async with joined(server) as notebook:
        assert notebook.is_synced


async def test_events_that_cannot_be_carried_out_are_logged(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    event = {
        "name": "v2.CellCreated",
        "args": {"id": 7},
        "seqNum": 1,
        "parentSeqNum": 0,
        "clientId": "c",
        "sessionId": "s",
    }
    port = await serve_log(nursery, [event])

    with trio.fail_after(5):
        async with open_notebook(
            sync_url=f"ws://127.0.0.1:{port}", notebook_id="nb", payload={}
        ) as notebook:
            assert not notebook.state.cells

    assert "event 1 of the log is skipped" in caplog.text


async def test_nonsense_from_the_server_does_no_harm(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense = ["this is no JSON", '{"_tag":"WSMessage.Unheard","requestId":"r"}']
    port = await serve_log(nursery, [], first=nonsense)

    with trio.fail_after(5):
        async with open_notebook(
            sync_url=f"ws://127.0.0.1:{port}", notebook_id="nb", payload={}
        ) as notebook:
            assert notebook.is_synced
    assert caplog.text.count("sent nonsense") == 2


async def serve_log(
    nursery: trio.Nursery, events: list[dict[str, Any]], *, first: Sequence[str] = ()
) -> int:
    """Serve a log that no real server would hold; return the port."""

    async def talk(socket: ServerConnection) -> None:
        for frame in first:
            await socket.send(frame)
        request = json.loads(await socket.recv())
        assert request["_tag"] == "WSMessage.PullReq"
        answer: dict[str, Any] = {
            "_tag": "WSMessage.PullRes",
            "batch": [
                {"eventEncoded": event, "metadata": {"_tag": "None"}}
                for event in events
            ],
            "requestId": {"context": "pull", "requestId": request["requestId"]},
            "remaining": 0,
        }
        await socket.send(json.dumps(answer))
        await trio.sleep_forever()

    server = await nursery.start(partial(serve, talk, 0, host="127.0.0.1"))
    return server.listeners[0].socket.getsockname()[1]
