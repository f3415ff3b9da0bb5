"""Calls for packages: what the guest asks is data, what it is told is a text."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
import trio

from runt_worker import Assets, Limits, Output, WorkerOptions, prepare
from runt_worker._calls import Call
from runt_worker._files import open_files
from runt_worker._kernel import Kernel, open_kernel
from runt_worker._package_calls import PackageCalls
from runt_worker._package_session import PackageSession
from runt_worker._packages import (
    PackageSink,
    PackageSourceError,
    PackageStore,
    Pin,
    WheelCache,
)
from runt_worker._replies import ExecuteReply
from runt_worker._requests import ExecuteRequest


class SlowSource:
    """A source that delivers only as a test says."""

    name = "a slow source"

    def __init__(self, fetch: Callable[[PackageSink], bool]) -> None:
        self._fetch = fetch

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        del pin
        return self._fetch(sink)


@pytest.fixture(scope="module")
def assets() -> Assets:
    return prepare(WorkerOptions())


def store_with(
    assets: Assets, cache_dir: Path, fetch: Callable[[PackageSink], bool]
) -> PackageStore:
    """Return a store that has nothing and gets it only by `fetch`."""
    return PackageStore(
        lock=assets.packages.lock,
        kernel_lock=assets.packages.kernel_lock,
        cache=WheelCache(cache_dir),
        sources=[SlowSource(fetch)],
    )


def out_of_order(_sink: PackageSink) -> bool:
    raise PackageSourceError("a slow source", "out of order")


def ask(calls: PackageCalls, method: str, **parameters: Any) -> dict[str, Any]:
    raw = msgspec.Raw(msgspec.json.encode(parameters))
    return calls.handlers()[method](Call(id=1, method=method, parameters=raw)).head


def error_of(calls: PackageCalls, method: str, **parameters: Any) -> str:
    return ask(calls, method, **parameters)["error"]


PLAN: dict[str, Any] = {
    "requirements": [],
    "constraints": [],
    "hashes": {},
    "wheels": [],
    "foreign": {},
    "upgrade": False,
    "pre": False,
    "no_deps": False,
}


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("load_package", {}),
        ("load_package", {"import_name": 1}),
        ("plan_import", {"import_name": None}),
        ("plan_install", {}),
        ("plan_install", PLAN | {"requirements": ["x"] * 1001}),
        ("plan_install", PLAN | {"requirements": ["x" * 10_001]}),
        ("plan_install", PLAN | {"foreign": {"x": 1}}),
        ("plan_install", PLAN | {"wheels": [{"file_name": "x"}]}),
        ("uninstall_packages", {"names": "ipython"}),
        ("read_requirements", {"text": 1}),
    ],
)
def test_calls_that_make_no_sense_are_refused(
    assets: Assets, method: str, parameters: dict[str, Any]
) -> None:
    calls = PackageCalls(assets.packages)
    assert "makes no sense" in error_of(calls, method, **parameters)


@pytest.mark.parametrize(
    "requirement",
    [
        "x @ file:///etc/passwd",
        "x @ http://127.0.0.1/x-1-py3-none-any.whl",
        "http://169.254.169.254/latest",
        "/etc/passwd",
        "../../x-1-py3-none-any.whl",
    ],
)
def test_requirements_never_lead_to_files_or_addresses_of_the_hosts(
    assets: Assets, requirement: str
) -> None:
    calls = PackageCalls(assets.packages)
    error = error_of(calls, "plan_install", **PLAN | {"requirements": [requirement]})
    assert requirement in error
    # An include is named to the guest, which reads its own files.
    answer = ask(calls, "read_requirements", text="-r /etc/passwd\n")
    assert answer["includes"] == ["/etc/passwd"]


def test_names_that_are_no_modules(assets: Assets) -> None:
    calls = PackageCalls(assets.packages)
    name = "../etc"
    assert error_of(calls, "load_package", import_name=name) == (
        f"No module named {name!r}"
    )
    assert ask(calls, "plan_import", import_name=name) == {"missing": []}


def test_a_package_that_cannot_be_had_is_a_text_that_says_what_to_do(
    assets: Assets, tmp_path: Path
) -> None:
    calls = PackageCalls(store_with(assets, tmp_path / "cache", out_of_order))
    error = error_of(calls, "load_package", import_name="sklearn")
    assert error.startswith("No module named 'sklearn' yet")
    for part in ("out of order", "runt packages add", "runt setup --packages scikit"):
        assert part in error
    assert str(tmp_path) not in error


def test_no_path_of_the_host_is_in_an_error(assets: Assets, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")
    calls = PackageCalls(store_with(assets, tmp_path / "cache", out_of_order))
    error = error_of(calls, "load_package", import_name="numpy")
    assert "package cache cannot be used" in error
    assert str(tmp_path) not in error


def test_what_the_host_cannot_read_is_told_without_its_path(
    assets: Assets, tmp_path: Path
) -> None:
    (tmp_path / "spam-1-py3-none-any.whl").mkdir()
    store = store_with(assets, tmp_path / "cache", out_of_order)
    store.packages_dir = tmp_path
    calls = PackageCalls(store)
    error = error_of(calls, "plan_install", **PLAN | {"requirements": ["spam"]})
    assert error == "a package cannot be read: Is a directory"


def test_an_install_without_a_plan(assets: Assets) -> None:
    calls = PackageCalls(assets.packages)
    assert error_of(calls, "install_packages") == "nothing was planned"


def test_what_the_sandbox_needs_stays(assets: Assets) -> None:
    session = PackageSession(assets.kernel)
    calls = PackageCalls(assets.packages, session)
    error = error_of(calls, "uninstall_packages", names=["IPython", "nonsense"])
    assert "itself needs ipython" in error
    assert "ipython" in session.visible


@pytest.mark.parametrize("how", ["end", "interrupt"])
def test_the_end_of_the_worker_or_an_interrupt_ends_a_fetch(
    assets: Assets, tmp_path: Path, how: str
) -> None:
    def fetch(sink: PackageSink) -> bool:
        getattr(calls, how)()
        sink.write(b"more")
        raise AssertionError("it went on")

    calls = PackageCalls(store_with(assets, tmp_path / "cache", fetch))
    assert error_of(calls, "load_package", import_name="numpy") == (
        "the worker was stopped"
    )


async def test_an_import_that_waits_for_its_package_is_interrupted(
    tmp_path: Path,
) -> None:
    assets = await trio.to_thread.run_sync(prepare, WorkerOptions())
    asked, may_end = Event(), Event()

    def wait(_sink: PackageSink) -> bool:
        asked.set()
        assert may_end.wait(60)
        raise PackageSourceError("a slow source", "too late")

    slow = store_with(assets, tmp_path / "cache", wait)
    try:
        async with open_kernel_with(replace(assets, packages=slow)) as kernel:
            reply = await execute(kernel, "import numpy", asked)
            assert reply.ename == "KeyboardInterrupt"
            asked.clear()
            may_end.set()
            reply = await execute(kernel, "x = 1")
            assert reply.status == "ok"
    finally:
        may_end.set()


async def test_an_installation_that_waits_is_interrupted(tmp_path: Path) -> None:
    assets = await trio.to_thread.run_sync(prepare, WorkerOptions())
    asked, may_end = Event(), Event()

    def wait(_sink: PackageSink) -> bool:
        asked.set()
        assert may_end.wait(60)
        return False

    slow = store_with(assets, tmp_path / "cache", wait)
    try:
        async with open_kernel_with(replace(assets, packages=slow)) as kernel:
            reply = await execute(kernel, "%pip install numpy", asked)
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
