"""Who ends a request, and that the server notices."""

from threading import Event

import pytest
import trio
from network_rig import TIMEOUT_S, Site, connected


async def wait_for(event: Event) -> None:
    assert await trio.to_thread.run_sync(event.wait, TIMEOUT_S)


@pytest.mark.parametrize("path", ["/never", "/never?begins=1"])
async def test_an_interrupt_ends_what_its_cell_began(site: Site, path: str) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        client.calls.cell = 7
        exchange = (await client.start(site.url + path)).head["exchange"]
        await wait_for(site.waiting)
        client.calls.interrupt(8)
        await trio.sleep(0.1)
        assert not site.left.is_set()
        client.calls.interrupt(7)
        got = await client.finish(exchange)
        assert (got.kind, got.error) == ("ended", "the request was interrupted")
        await wait_for(site.left)


async def test_what_nobody_wants_any_more_is_ended(site: Site) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        exchange = (await client.start(f"{site.url}/never")).head["exchange"]
        await wait_for(site.waiting)
        await client.ask("http_close", exchange=exchange)
        await wait_for(site.left)


async def test_the_end_of_the_worker_ends_all(site: Site) -> None:
    site.waiting.clear()
    site.left.clear()
    async with connected(f"127.0.0.1:{site.port}") as client:
        exchange = (await client.start(f"{site.url}/never")).head["exchange"]
        await wait_for(site.waiting)
    await wait_for(site.left)
    assert (await client.finish(exchange)).kind == "ended"
    late = (await client.start(f"{site.url}/")).head["exchange"]
    with trio.fail_after(TIMEOUT_S):
        assert (await client.finish(late)).error == "the worker was stopped"
