"""A real image: made once, restored by every kernel, and never fatal."""

import logging
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from runt_worker import (
    Assets,
    Limits,
    SetupError,
    WorkerOptions,
    launch_early,
    open_worker,
    prepare,
)
from runt_worker._command import Image
from runt_worker._files import open_files
from runt_worker._image import is_whole, write_record
from runt_worker._image_making import ensure_image
from runt_worker._kernel import open_kernel
from runt_worker.testing import Ran, run_cell


@pytest.fixture(scope="module")
def assets() -> Assets:
    """Return what the user's cache holds, without its image."""
    return prepare(WorkerOptions(use_image=False))


@pytest.fixture(scope="module")
def made(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> list[Image]:
    """Let two make the image of one cache at the same time."""
    cache_dir = tmp_path_factory.mktemp("cache")
    images: list[Image] = []

    def make() -> None:
        images.append(ensure_image(cache_dir, assets, Limits()))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return images


def with_image(assets: Assets, image: Image) -> Assets:
    return replace(assets, installation=replace(assets.installation, image=image))


def copied(image: Image, directory: Path) -> Image:
    copy = Image(directory=directory / "image")
    shutil.copytree(image.directory, copy.directory)
    write_record(copy)
    return copy


async def is_restored(assets: Assets) -> bool:
    with open_files((), None) as files:
        async with open_kernel(assets, files, Limits()) as kernel:
            return kernel.is_restored


def test_two_that_need_it_at_once_have_one_image_and_leave_nothing_else(
    made: list[Image],
) -> None:
    one, other = made
    assert one == other
    assert is_whole(one)
    images = one.directory.parent
    assert {path.name for path in images.iterdir()} == {one.directory.name, "lock"}
    # Each start copies it.
    files = [path for path in one.deno_directory.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8_000_000


async def test_kernels_restore_it(assets: Assets, made: list[Image]) -> None:
    assert await is_restored(with_image(assets, made[0]))
    assert not await is_restored(assets)


SESSION = """
import random, secrets, sys, tempfile, uuid
import numpy
print(random.random(), random.Random().random(), secrets.token_hex(8), uuid.uuid4(),
    uuid.uuid1(), tempfile.mktemp(), numpy.random.random(),
    numpy.random.default_rng().random())
"""


async def test_sessions_share_no_random_numbers_and_begin_as_new() -> None:
    seen: list[str] = []
    async with open_worker() as worker:
        for _ in range(2):
            first = await run_cell(worker, "print(In, repr(_), len(Out))")
            assert first.text() == "['', 'print(In, repr(_), len(Out))'] '' 0\n"
            assert first.reply
            assert first.reply.execution_count == 1
            seen += (await run_cell(worker, SESSION)).text().split()
            await worker.restart()
    assert len(set(seen)) == len(seen) == 16


async def test_the_image_holds_nothing_of_the_process_that_made_it() -> None:
    async with open_worker() as worker:
        ran: Ran = await run_cell(worker, "import sys; print(sys.last_exc)")
        assert ran.status == "AttributeError"
        ran = await run_cell(worker, "%who")
        assert ran.text() == "sys\t \n"


async def test_an_image_that_does_not_restore_is_bypassed_and_made_anew(
    assets: Assets, made: list[Image], tmp_path: Path
) -> None:
    broken = copied(made[0], tmp_path)
    os.truncate(broken.memory, 10_000_000)
    write_record(broken)  # it counts as whole
    assert is_whole(broken)
    assert not await is_restored(with_image(assets, broken))
    assert not is_whole(broken)


def test_a_damaged_image_is_made_anew(assets: Assets, tmp_path: Path) -> None:
    image = ensure_image(tmp_path, assets, Limits())
    os.truncate(image.memory, 10_000_000)
    assert ensure_image(tmp_path, assets, Limits()) == image
    assert is_whole(image)
    assert image.memory.stat().st_size > 10_000_000


def test_where_none_can_be_made_there_is_one_sentence(
    assets: Assets, tmp_path: Path
) -> None:
    (tmp_path / "images").write_text("no directory")
    with pytest.raises(SetupError, match="the memory image cannot be made"):
        ensure_image(tmp_path, assets, Limits())
    broken = replace(
        assets, installation=replace(assets.installation, distribution=tmp_path)
    )
    with pytest.raises(SetupError, match="the memory image cannot be made"):
        ensure_image(tmp_path / "other", broken, Limits())


def test_a_worker_does_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Nothing else makes only this fail: whoever may not write to the cache finds an
    # image there, or cannot fetch packages either.
    def fail(*_: object) -> Image:
        raise SetupError("the disk is full")

    def missing(_image: Image) -> bool:
        return False

    monkeypatch.setattr("runt_worker._preparation.is_whole", missing)
    monkeypatch.setattr("runt_worker._preparation.ensure_image", fail)
    with caplog.at_level(logging.WARNING):
        found = prepare(WorkerOptions())
    assert found.installation.image is None
    assert caplog.messages == ["Python will start slowly: the disk is full"]


async def test_a_process_that_was_launched_early_is_used_once() -> None:
    with launch_early() as launched:
        assert launched
        async with open_worker(launched=launched) as worker:
            assert worker.pid == launched.popen.pid
            assert (await run_cell(worker, "print(1)")).text() == "1\n"
            await worker.restart()
            assert worker.pid != launched.popen.pid
            assert (await run_cell(worker, "print(2)")).text() == "2\n"
    assert launched.popen.returncode is not None


async def test_a_process_of_another_kind_is_not_used() -> None:
    with launch_early() as launched:
        assert launched
        async with open_worker(
            WorkerOptions(use_image=False), launched=launched
        ) as worker:
            assert worker.pid != launched.popen.pid


def test_nothing_is_launched_where_something_has_to_be_fetched_first(
    tmp_path: Path,
) -> None:
    with launch_early(tmp_path) as launched:
        assert launched is None


async def test_a_process_that_nobody_uses_is_ended() -> None:
    with launch_early() as launched:
        assert launched
        directory = launched.paths.run_directory
        await trio.sleep(0.1)
    assert launched.popen.returncode is not None
    assert not directory.exists()
