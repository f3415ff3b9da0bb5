"""An interrupt of a cell ends its request, in both worlds at once."""

import pytest
import trio
from network_rig import Site

from runt_worker import Output, Stream, Worker
from runt_worker._replies import ExecuteReply
from runt_worker.testing import SharedWorker

TIMEOUT_S = 30.0
"""Generous: this machine may be busy."""


REQUESTS = {
    "urllib": "import urllib.request; urllib.request.urlopen(URL)",
    "urllib, its body": "import urllib.request; urllib.request.urlopen(BEGINS).read()",
    "pyfetch": "from pyodide.http import pyfetch; await pyfetch(URL)",
    "pyfetch, its body": (
        "from pyodide.http import pyfetch; await (await pyfetch(BEGINS)).string()"
    ),
    "open_url": "from pyodide.http import open_url; open_url(URL)",
    "requests": "import requests; requests.get(URL)",
    "httpx": "import httpx; httpx.get(URL, timeout=None)",
    "caught": (
        "import urllib.request\n"
        "try: urllib.request.urlopen(URL)\nexcept BaseException: pass"
    ),
}


@pytest.mark.parametrize("code", REQUESTS.values(), ids=REQUESTS)
def test_an_interrupt_ends_a_request_and_keeps_the_state(
    granted: SharedWorker, site: Site, code: str
) -> None:
    site.waiting.clear()
    site.left.clear()

    async def interrupt_when_it_waits(worker: Worker) -> ExecuteReply:
        async def interrupt() -> None:
            assert await trio.to_thread.run_sync(site.waiting.wait, TIMEOUT_S)
            worker.interrupt()

        with trio.fail_after(TIMEOUT_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(interrupt)
                names = f"kept, URL = 'kept', '{site.url}/never'\n"
                names += f"BEGINS = '{site.url}/never?begins=1'\n"
                return await worker.execute(names + code, outputs.append)

    outputs: list[Output] = []
    reply = granted.call(interrupt_when_it_waits, granted.worker)
    assert (reply.status, reply.ename) == ("error", "KeyboardInterrupt")
    assert site.left.wait(TIMEOUT_S)
    assert granted.run("print(kept)").text() == "kept\n"


def test_a_request_of_an_earlier_cell_is_not_ended_by_a_later_one(
    granted: SharedWorker, site: Site
) -> None:
    site.waiting.clear()
    site.left.clear()
    begun = granted.run(
        "import asyncio\nfrom pyodide.http import pyfetch\n"
        f"task = asyncio.create_task(pyfetch('{site.url}/never'))\n"
        "await asyncio.sleep(0)"
    )
    assert begun.status == "ok"
    assert site.waiting.wait(TIMEOUT_S)
    ran = granted.run("while True: pass", interrupt_after_s=0.2)
    assert ran.status == "KeyboardInterrupt"
    assert not site.left.is_set()
    ended = granted.run(
        "task.cancel()\n"
        "try: await task\nexcept asyncio.CancelledError: print('cancelled')"
    )
    assert [it.text for it in ended.of_type(Stream)] == ["cancelled\n"]
    assert site.left.wait(TIMEOUT_S)
