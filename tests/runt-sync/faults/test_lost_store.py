"""A server whose data are gone, or older than its clients know them."""

import shutil
from contextlib import AbstractAsyncContextManager

import pytest
import trio
from server_process import ServerProcess, StartServerProcess

from runt_agent import LiveStoreVersion, LogReplacedError, Notebook, open_notebook
from runt_protocol import Event, NotebookMetadataSet

PATIENCE_S = 120


def joined(
    server: ServerProcess, livestore: LiveStoreVersion
) -> AbstractAsyncContextManager[Notebook]:
    return open_notebook(
        sync_url=server.sync_url,
        notebook_id="nb",
        payload={"authToken": server.token},
        livestore=livestore,
    )


def entry(key: str) -> Event:
    return NotebookMetadataSet(key=key, value="")


@pytest.mark.parametrize(
    ("livestore", "is_restored"), [("0.3", False), ("0.3", True), ("0.4", True)]
)
async def test_clients_find_out_and_new_ones_go_on(
    start_server_process: StartServerProcess,
    livestore: LiveStoreVersion,
    *,
    is_restored: bool,
) -> None:
    server = await start_server_process()
    async with joined(server, livestore) as notebook:
        notebook.commit(entry("in the backup"))
        await notebook.flush()
    await server.kill()
    backup = server.data_dir.with_name("backup")
    shutil.copytree(server.data_dir, backup)
    await server.start()

    with trio.fail_after(PATIENCE_S), pytest.raises(LogReplacedError) as replaced:  # noqa: PT012 - the block itself is what ends
        async with joined(server, livestore) as notebook:
            notebook.commit(*[entry(f"lost {number}") for number in range(5)])
            await notebook.flush()
            await server.kill()
            notebook.commit(entry("pending"))
            shutil.rmtree(server.data_dir)
            if is_restored:
                shutil.copytree(backup, server.data_dir)
            await server.start()
            await trio.sleep_forever()

    assert (replaced.value.head, replaced.value.lost_count) == (6, 1)
    kept = ["in the backup"] if is_restored else []
    async with joined(server, livestore) as notebook:
        assert list(notebook.state.metadata) == kept
        notebook.commit(entry("after"))
        with trio.fail_after(PATIENCE_S):
            await notebook.flush()
        assert list(notebook.state.metadata) == [*kept, "after"]
