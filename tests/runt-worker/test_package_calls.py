"""Calls for packages: what the guest asks is data, what it is told is a text."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from threading import Event
from typing import Any, cast

import msgspec
import pytest
import trio

from runt_worker import Assets, Limits, Output, PackageError, WorkerOptions, prepare
from runt_worker._calls import Call
from runt_worker._files import open_files
from runt_worker._kernel import Kernel, open_kernel
from runt_worker._package_calls import PackageCalls
from runt_worker._packages import PackageStore
from runt_worker._replies import ExecuteReply
from runt_worker._requests import ExecuteRequest


class StoreStandIn:
    """A package store that fetches only as a test says."""

    def __init__(self, store: PackageStore, ensure: Callable[..., Any]) -> None:
        self.lock = store.lock
        self.ensure = ensure


@pytest.fixture(scope="module")
def store() -> PackageStore:
    return prepare(WorkerOptions()).packages


def calls_with(store: PackageStore, ensure: Callable[..., Any]) -> PackageCalls:
    return PackageCalls(cast("PackageStore", StoreStandIn(store, ensure)))


def ask(calls: PackageCalls, **parameters: Any) -> str:
    raw = msgspec.Raw(msgspec.json.encode(parameters))
    return calls(Call(id=1, method="load_package", parameters=raw)).head["error"]


def test_calls_that_make_no_sense_are_refused(store: PackageStore) -> None:
    calls = PackageCalls(store)
    assert "makes no sense" in ask(calls)
    assert "makes no sense" in ask(calls, import_name=1)
    assert ask(calls, import_name="../etc") == "No module named '../etc'"


def test_a_package_that_cannot_be_had_is_a_text(store: PackageStore) -> None:
    def fail(*_: object) -> None:
        raise PackageError("no source has it")

    error = ask(calls_with(store, fail), import_name="numpy")
    assert error == "No module named 'numpy' yet: no source has it"


def test_the_end_of_the_worker_ends_a_fetch(store: PackageStore) -> None:
    def fetch(_packages: object, on_progress: Callable[[object], None]) -> None:
        calls.end()
        on_progress(None)

    calls = calls_with(store, fetch)
    assert ask(calls, import_name="numpy") == "the worker was stopped"


async def test_an_import_that_waits_for_its_package_is_interrupted() -> None:
    assets = await trio.to_thread.run_sync(prepare, WorkerOptions())
    asked, may_end = Event(), Event()

    def wait(*_: object) -> None:
        asked.set()
        assert may_end.wait(60)
        raise PackageError("too late")

    slow = cast("PackageStore", StoreStandIn(assets.packages, wait))
    try:
        async with open_kernel_with(replace(assets, packages=slow)) as kernel:
            reply = await execute(kernel, "import numpy", asked)
            assert reply.ename == "KeyboardInterrupt"
            may_end.set()
            reply = await execute(kernel, "x = 1")
            assert reply.status == "ok"
    finally:
        may_end.set()


@asynccontextmanager
async def open_kernel_with(assets: Assets) -> AsyncGenerator[Kernel]:
    with open_files((), None) as files:
        async with open_kernel(assets, files, Limits()) as kernel:
            yield kernel


async def execute(
    kernel: Kernel, code: str, interrupt_when: Event | None = None
) -> ExecuteReply:
    def ignore(_output: Output) -> None:
        pass

    pending = await kernel.submit(ExecuteRequest(code=code), ExecuteReply, ignore)
    if interrupt_when:
        await trio.to_thread.run_sync(interrupt_when.wait, 30)
        await kernel.interrupt(pending)
    with trio.fail_after(30):
        return await pending.wait()
