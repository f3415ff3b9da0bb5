"""Attacks of guest code, each judged by what the host sees of it afterwards.

An attack says how it failed; that word shows that it got as far as the barrier and did
not stumble over itself.
"""

import logging
import os
import random
import socket
import statistics
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Protocol, TypedDict

import pytest
import trio

from runt_worker import Output, Stream, WorkerDiedError
from runt_worker._cache_dir import default_cache_dir
from runt_worker._distribution import ASSETS
from runt_worker.testing import Ran, SharedWorker

TABLES = sorted(Path(__file__).parent.glob("*.toml"))

ROUTES = ("magic", "package import", "destructor", "background task")

SAMPLE = random.Random(5)  # noqa: S311 - which attacks are tried is no secret
SAMPLED = 100
"""Pairs of an attack and a route, of more than 1,200; `--every-route` takes all."""

PREPARED = """
import asyncio, ctypes, io, json, os, signal, socket, subprocess, sys, time
import js, pyodide_js
from pyodide.code import eval_code_async, run_js
from pyodide.ffi import run_sync, to_js
def plain(**fields):
    return to_js(fields, dict_converter=js.Object.fromEntries)
async def js_run(body):
    return await run_js("(async () => {" + body + "})()")
async def worker_run(body, options=""):
    source = f'''(async () => {{ {body} }})().then(
        (value) => postMessage("value: " + value),
        (error) => postMessage("" + error))'''
    return await run_js('''(source, options) => new Promise((done) => {
        const url = "data:application/javascript," + encodeURIComponent(source);
        const worker = new Worker(url, { type: "module", ...JSON.parse(options) });
        worker.onmessage = (event) => { worker.terminate(); done(event.data); };
        worker.onerror = (event) => {
            event.preventDefault(); done("" + event.message); };
    })''')(source, options or "{}")
async def assault(source):
    shell = get_ipython()
    try:
        cell = shell.transform_cell(source)
        print("gained", repr(await eval_code_async(cell, globals=shell.user_ns)))
    except BaseException as error:
        print("met", type(error).__name__, error)
"""

_log = logging.getLogger("attacks")


class Host(Protocol):
    """The canaries of `tests/security/conftest.py`."""

    directory: Path
    process: "Victim"
    tcp: socket.socket
    udp: socket.socket

    @property
    def secret(self) -> Path: ...

    def harm(self, said: str) -> list[str]: ...


class Victim(Protocol):
    pid: int


class Attack(TypedDict, total=False):
    python: str
    js: str
    worker: str
    node: str
    options: str
    says: str
    spoils: bool


@dataclass
class Tally:
    """The verdicts of a run.

    Attributes:
        refused: how many attacks did no harm.
        escaped: names of those that did.
        fresh_s: how long the cell after each of them took.
    """

    refused: int = 0
    escaped: list[str] = field(default_factory=list[str])
    fresh_s: list[float] = field(default_factory=list[float])


TALLY = pytest.StashKey[Tally]()


def all_attacks() -> dict[str, Attack]:
    return {
        f"{table.stem}: {name}": attack
        for table in TABLES
        for name, attack in tomllib.loads(table.read_text()).items()
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    attacks = all_attacks()
    if "route" in metafunc.fixturenames:
        pairs = [(name, route) for name in attacks for route in ROUTES]
        if not metafunc.config.getoption("--every-route"):
            pairs = SAMPLE.sample(pairs, SAMPLED)
        metafunc.parametrize(
            ("attack", "route"),
            [(attacks[name], route) for name, route in pairs],
            ids=[f"{name} by {route}" for name, route in pairs],
        )
    elif "attack" in metafunc.fixturenames:
        metafunc.parametrize("attack", attacks.values(), ids=attacks)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tally = config.stash.get(TALLY, None)
    if tally is None or not tally.fresh_s:
        return
    terminalreporter.write_sep("=", "attacks on the sandbox")
    terminalreporter.write_line(
        f"attacks: {tally.refused} refused, {len(tally.escaped)} escaped"
    )
    for name in tally.escaped:
        terminalreporter.write_line(f"escaped: {name}")
    terminalreporter.write_line(
        f"a fresh cell afterwards: {statistics.median(tally.fresh_s):.3f} s (median), "
        f"{max(tally.fresh_s):.3f} s at most"
    )


@pytest.fixture(scope="session")
def attacks() -> dict[str, Attack]:
    return all_attacks()


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(TALLY, Tally())


@pytest.fixture(scope="session")
def source_of() -> Callable[[Attack], str]:
    """What makes a cell of an attack."""

    def source(attack: Attack) -> str:
        if "python" in attack:
            return attack["python"]
        if "worker" in attack:
            body, options = attack["worker"], attack.get("options", "")
            return f"await worker_run({body!r}, {options!r})"
        module = attack.get("node")
        start = f"const m = await import('node:{module}');" if module else ""
        return f"await js_run({start + attack.get('js', '')!r})"

    return source


class Assailant:
    """Runs attacks in one sandbox, one after the other.

    Args:
        sandbox: where they run.
        host: what they must not reach.
        other: the private directory of another sandbox that runs meanwhile.
        tally: what becomes of them.
    """

    def __init__(
        self, sandbox: SharedWorker, host: Host, other: Path, tally: Tally
    ) -> None:
        self._sandbox = sandbox
        self._host = host
        self._other = other
        self._tally = tally
        self._prepared = 0
        self._places: dict[str, str] = {}

    def assail(self, name: str, *cells: str, spoils: bool = False) -> str:
        """Run an attack and return all that it said; the host must be unharmed.

        Args:
            name: of the attack.
            cells: of the attack, with places of the host as `$names`.
            spoils: its kernel is of no use to others afterwards.
        """
        places = self._prepare()
        said = "\n".join(
            self._run(Template(cell).safe_substitute(places), spoils=spoils)
            for cell in cells
        )
        if spoils:
            self._sandbox.call(self._sandbox.worker.restart)
        harm = self._host.harm(said)
        _log.info("%s: %s", name, harm or "refused")
        if harm:
            self._tally.escaped.append(name)
        assert not harm, said
        start = time.monotonic()
        assert self._sandbox.run("print('a fresh cell')").text() == "a fresh cell\n"
        self._tally.fresh_s.append(time.monotonic() - start)
        self._tally.refused += 1
        return said

    def _run(self, code: str, *, spoils: bool) -> str:
        try:
            ran = self._sandbox.run(code)
        except WorkerDiedError as error:  # and is started anew
            return f"WorkerDied: {error}"
        except trio.TooSlowError:  # the same
            if spoils:
                return "it was silent"
            raise
        return f"{ran.reply} {_in_whole(ran)}"

    def _prepare(self) -> dict[str, str]:
        """Return what the attacks are told of the host: a guess would do as well."""
        pid = self._sandbox.call(_pid, self._sandbox)
        if pid != self._prepared:
            assert self._sandbox.run(PREPARED).status == "ok"
            self._prepared, self._places = pid, self._look_up()
        return self._places

    def _look_up(self) -> dict[str, str]:
        where = "js.Deno.args[2], js.Deno.args[3], js.Deno.cwd()"
        ran = self._sandbox.run(f"print({where}, sep='|', end='')")
        distribution, image, working = ran.text().split("|")
        return {
            "secret": str(self._host.secret),
            "host": str(self._host.directory),
            "socket": str(self._host.directory / "socket"),
            "tcp": str(self._host.tcp.getsockname()[1]),
            "udp": str(self._host.udp.getsockname()[1]),
            "victim": str(self._host.process.pid),
            "supervisor": str(os.getpid()),
            "assets": str(ASSETS),
            "packages": str(next((default_cache_dir() / "unpacked").iterdir())),
            "distribution": distribution,
            "image": str(Path(image).parent),
            "run": str(Path(working).parent),
            "other": str(self._other),
        }


def _in_whole(ran: Ran) -> list[Output]:
    """Return what a cell showed; a secret is one also if a tick has divided it."""
    streams: list[Output] = [
        Stream(name=name, text=text)
        for name in ("stdout", "stderr")
        if (text := ran.text(name))
    ]
    return streams + [it for it in ran.outputs if not isinstance(it, Stream)]


async def _pid(sandbox: SharedWorker) -> int:
    return sandbox.worker.pid


@pytest.fixture(scope="session")
def assailant(
    sandbox: SharedWorker, canaries: Host, other_sandbox: SharedWorker, tally: Tally
) -> Assailant:
    ran = other_sandbox.run("import js; print(js.Deno.cwd(), end='')")
    return Assailant(sandbox, canaries, Path(ran.text()).parent, tally)


@pytest.fixture
def assail(assailant: Assailant, request: pytest.FixtureRequest) -> Callable[..., str]:
    def assail(*cells: str, spoils: bool = False) -> str:
        return assailant.assail(request.node.name, *cells, spoils=spoils)

    return assail
