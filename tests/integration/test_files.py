"""Host directories in a notebook: live, copied out in time, and there to stay."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio
from notebook_rig import Person, StartAgent

from runt_vfs import mount_name
from runt_worker import HostMount, Worker, WorkerOptions, open_worker

WRITING = """
import os
with open("/mnt/DATA/processed.csv", "w") as file:
    file.write("a,b")
with open("/mnt/DATA/unfinished.csv", "w") as file:
    file.write("half of")
os.makedirs("/outputs/deep/er")
with open("/outputs/deep/er/result.txt", "w") as file:
    file.write("kept")
print("written")
while True: pass
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "my-data"
    data.mkdir()
    return data


@pytest.fixture
def output_dir(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
async def worker(data: Path, output_dir: Path) -> AsyncGenerator[Worker]:
    mount = HostMount(host_path=data, allow_writes=True)
    options = WorkerOptions(mounts=(mount,), output_dir=output_dir)
    async with open_worker(options) as worker:
        yield worker


def become_a_file(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.touch()


def become_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


async def test_files_of_a_notebook(
    person: Person,
    start_agent: StartAgent,
    worker: Worker,
    data: Path,
    output_dir: Path,
) -> None:
    agent = await start_agent(worker=worker)
    guest = f"/mnt/{mount_name(data)}"

    # What a cell has closed is on the host while the cell goes on.
    name = person.request(WRITING.replace("/mnt/DATA", guest))
    await person.until(lambda: person.text(name) == "written\n")
    assert (data / "processed.csv").read_text() == "a,b"
    assert not (output_dir / "deep").exists()

    # An interrupted cell's outputs are there when the notebook knows of its end: the
    # next cell does not start before.
    person.cancel(name)
    (data / "from-the-host.txt").write_text("news")
    [result] = await person.run(f"open('{guest}/from-the-host.txt').read()")
    assert result.data == "'news'"
    assert (output_dir / "deep" / "er" / "result.txt").read_text() == "kept"

    # What cannot be copied is said in the cell, which has succeeded all the same.
    become_a_file(output_dir)
    name = person.request("print('more', file=open('/outputs/more.txt', 'w'))")
    await person.until_ended(name)
    assert person.status(name) == "completed"
    assert "more.txt" in person.text(name)
    become_a_directory(output_dir)
    await person.run("1")
    assert (output_dir / "more.txt").read_text() == "more\n"

    # A directory that goes away is an error of the cell, and of nothing else.
    shutil.rmtree(data)
    [error] = await person.run(f"open('{guest}/processed.csv')")
    assert "FileNotFoundError" in str(error.data)
    with trio.fail_after(10):
        await agent.stop()
