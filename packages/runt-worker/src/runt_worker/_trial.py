"""A sandbox that is started to try to get out of it, for `runt doctor`.

What it says is not believed: what it could have reached is looked after from outside.
"""

import resource
import secrets
import socket
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import trio

from runt_worker._checks import Check
from runt_worker._confinement import RESOURCE_LIMITS
from runt_worker._errors import WorkerError
from runt_worker._files import mount_table
from runt_worker._limits import Limits, size_text
from runt_worker._options import WorkerOptions
from runt_worker._outputs import Output, Stream
from runt_worker._worker import Worker, open_worker

_TRIAL_TIMEOUT_S: Final = 60
_REPORT_IT: Final = "run no code of others here, and report it: see SECURITY.md"
_START_AGAIN: Final = "run: runt setup"

ENVIRONMENT: Final = {"DENO_DIR", "DENO_NO_UPDATE_CHECK"}
"""All that the process has of one; both are ours."""

ATTEMPTS: Final = """
import json, os
from pyodide.code import run_js
async def attempt(body):
    try:
        return "got " + str(await run_js("(async () => {" + body + "})()"))
    except Exception as error:
        return str(error)
def entries(place):
    try:
        return len(os.listdir(place))
    except OSError as error:
        return str(error.strerror)
refusals = {
    "a file": await attempt(f"return Deno.readTextFileSync({FILE!r})"),
    "the environment": await attempt("return Deno.env.get('HOME')"),
    "the network": await attempt(
        f"return await Deno.connect({{hostname: '127.0.0.1', port: {PORT}}})"),
    "a program": await attempt("return new Deno.Command('/bin/ls').outputSync()"),
}
print(json.dumps({"refusals": refusals, "entries": [entries(it) for it in MOUNTS]}))
"""

_REFUSED: Final = ("NotCapable", "Requires ", "Permission denied")


class _Answer(msgspec.Struct, frozen=True):
    """What the sandbox says of its attempts.

    Attributes:
        refusals: how each ended.
        entries: of each mount, how many entries it has, or why it cannot be read.
    """

    refusals: dict[str, str]
    entries: list[int | str]


@dataclass(frozen=True, kw_only=True)
class _Bait:
    """What the sandbox tries to get."""

    file: Path
    secret: str
    listener: socket.socket

    def is_taken(self, said: str) -> bool:
        try:
            connection, _ = self.listener.accept()
        except BlockingIOError:
            return self.secret in said
        connection.close()
        return True


async def try_sandbox(options: WorkerOptions) -> list[Check]:
    """Start a sandbox, try to get out of it, and say what holds it.

    Args:
        options: how it is set up; its mounts are looked at, too.
    """
    try:
        with trio.fail_after(_TRIAL_TIMEOUT_S):
            async with open_worker(options) as worker:
                return await _checks(worker, options)
    except (WorkerError, trio.TooSlowError) as error:
        text = str(error) or f"silent for {_TRIAL_TIMEOUT_S} s"
        return [Check("sandbox", f"does not run: {text}", _START_AGAIN)]


async def _checks(worker: Worker, options: WorkerOptions) -> list[Check]:
    places = [str(it.guest_path) for it in mount_table(options.mounts).mounts]
    said: list[str] = []

    def listen(output: Output) -> None:
        said.append(output.text if isinstance(output, Stream) else str(output))

    with _bait() as bait:
        names = {
            "FILE": str(bait.file),
            "PORT": bait.listener.getsockname()[1],
            "MOUNTS": places,
        }
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        await worker.execute(given + ATTEMPTS, listen)
        is_taken = bait.is_taken("".join(said))
    try:
        answer = msgspec.json.decode("".join(said), type=_Answer)
    except msgspec.DecodeError:
        answer = None
    if answer is None or len(answer.entries) != len(places):
        return [Check("sandbox", "runs, but makes no sense", _START_AGAIN)]
    return [
        judge_escapes(answer.refusals, is_taken=is_taken),
        *_of_process(worker.pid),
        _of_limits(options.limits),
        *_of_mounts(places, answer.entries, options),
    ]


@contextmanager
def _bait() -> Generator[_Bait]:
    secret = secrets.token_urlsafe()
    with (
        tempfile.TemporaryDirectory(prefix="runt-doctor-") as directory,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        listener.setblocking(False)  # noqa: FBT003 - the standard library's own
        file = Path(directory, "secret")
        file.write_text(secret)
        yield _Bait(file=file, secret=secret, listener=listener)


def judge_escapes(refusals: dict[str, str], *, is_taken: bool) -> Check:
    """Say whether the sandbox holds.

    Args:
        refusals: how each attempt ended, as the sandbox says.
        is_taken: whether the host has found that one succeeded.
    """
    reached = [
        name
        for name, text in refusals.items()
        if not any(word in text for word in _REFUSED)
    ]
    if is_taken or reached:
        names = ", ".join(reached) or "what it said it could not"
        return Check("escape", f"the sandbox reached {names}", _REPORT_IT)
    return Check("escape", f"tried, and refused: {', '.join(refusals)}")


def _of_process(pid: int) -> Generator[Check]:
    """Ask the system what is in force for the process."""
    if sys.platform != "linux":
        return
    process = Path(f"/proc/{pid}")
    is_set = "NoNewPrivs:\t1" in (process / "status").read_text()
    yield _in_force("no_new_privs", "set" if is_set else "not set", holds=is_set)
    variables = (process / "environ").read_bytes().split(b"\0")
    names = {it.partition(b"=")[0].decode(errors="replace") for it in variables if it}
    text = ", ".join(sorted(names))
    yield _in_force("its environment", text, holds=names <= ENVIRONMENT)
    found = {it.name: resource.prlimit(pid, it.what)[1] for it in RESOURCE_LIMITS}
    text = ", ".join(f"{name} {most:,}" for name, most in found.items())
    holds = all(0 <= found[it.name] <= it.most for it in RESOURCE_LIMITS)
    yield _in_force("resource limits", text, holds=holds)


def _in_force(name: str, found: str, *, holds: bool) -> Check:
    return Check(name, found, "" if holds else _REPORT_IT)


def _of_limits(limits: Limits) -> Check:
    return Check(
        "limits",
        f"memory {size_text(limits.memory_bytes)}, Deno's own directory "
        f"{size_text(limits.disk_bytes)}",
    )


def _of_mounts(
    places: list[str], entries: list[int | str], options: WorkerOptions
) -> Generator[Check]:
    for place, mount, found in zip(places, options.mounts, entries, strict=True):
        mode = "read-write" if mount.allow_writes else "read-only"
        if isinstance(found, int):
            yield Check("mount", f"{place}, {mode}, {found} entries")
        else:
            yield Check("mount", f"{place} cannot be read: {found}", "look at its mode")
