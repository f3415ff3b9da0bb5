"""A peer that is gone while its connection stands is found by pings, on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

import runt_agent
import runt_protocol
from runt_agent import open_notebook
from runt_protocol import Debug
from runt_sync import Limits, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Join  # noqa: TID252 - tests are no package
    from .conftest import StartProxy

PATIENCE_S = 60
IMPATIENT = Limits(ping_after_s=0.2, pong_s=0.2)


async def test_a_server_drops_a_peer_that_answers_no_ping(
    data_dir: Path, join: Join, start_proxy: StartProxy
) -> None:
    async with open_server(data_dir=data_dir, limits=IMPATIENT) as server:
        proxy = await start_proxy(server.sync_url)
        server.sync_url = proxy.sync_url
        async with join(server, close_timeout=0.1) as peer:
            await peer.pull()
            proxy.mode = "swallow"
            with trio.fail_after(PATIENCE_S):
                await proxy.server_ended.wait()


async def test_a_silent_peer_that_answers_pings_stays(
    data_dir: Path, join: Join
) -> None:
    limits = Limits(ping_after_s=0.2, pong_s=3)
    async with (
        open_server(data_dir=data_dir, limits=limits) as server,
        join(server, ping_interval=None) as peer,
    ):
        with pytest.raises(trio.TooSlowError), trio.fail_after(5):
            await peer.socket.recv()  # it answers pings by itself, and says nothing
        assert await peer.pull() == []


async def test_a_client_leaves_a_server_that_answers_no_ping(
    data_dir: Path, start_proxy: StartProxy
) -> None:
    sync = runt_protocol.Limits(ping_interval_s=0.2, pong_timeout_s=0.5)
    async with open_server(data_dir=data_dir) as server:
        proxy = await start_proxy(server.sync_url)
        async with open_notebook(
            sync_url=proxy.sync_url,
            notebook_id="nb",
            payload={"authToken": server.token},
            limits=runt_agent.Limits(sync=sync, handshake_timeout_s=0.5),
        ) as notebook:
            proxy.mode = "swallow"
            notebook.commit(Debug(id="said into the void"))
            await trio.sleep(1)
            assert notebook.pending_count == 1

            proxy.mode = "pass"
            with trio.fail_after(PATIENCE_S):
                await notebook.flush()
