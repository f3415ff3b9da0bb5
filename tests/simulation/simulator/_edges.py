"""What is not real in a simulation: the whole list of it, and nothing beside it.

Everything else (sync cores, reconnecting, agent, rooms, SQL) runs unmodified, under
trio's own scheduler, whose choices follow the seed.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
from trio._core import _run as trio_run

import runt_protocol._replica
import runt_sync._rooms
from runt_agent import _agent, _artifacts, _connection, _identity
from runt_agent._errors import UnreachableError
from runt_agent._service import Service

# The modules patched here are private, and so is trio's source of randomness.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false
from ._machine import WallClock, wall_clock
from ._network import Network
from ._recording import RecordingClient
from ._websockets import Dialing


@contextmanager
def simulated_edges(
    network: Callable[[], Network], random: Random, mutations: Mapping[str, object]
) -> Generator[None]:
    """Take sockets, clocks and randomness away from the real modules.

    Args:
        network: Tells where connections and requests go.
        random: Where jitter and fresh names come from.
        mutations: Dotted names and what stands there instead, to show that the
            simulation finds it.
    """

    def connect(url: str, **options: Any) -> Dialing:
        return Dialing(network(), url, **options)

    def fresh_id() -> UUID:
        return UUID(int=random.getrandbits(128), version=4)

    replacements: dict[str, object] = {
        # sockets
        f"{_connection.__name__}.connect": connect,
        f"{_identity.__name__}.request": _requests(network),
        f"{_artifacts.__name__}.request": _requests(network),
        # the clock on the wall (trio's own is `trio.testing.MockClock`)
        f"{_agent.__name__}._now": wall_clock,
        f"{runt_sync._rooms.__name__}.datetime": WallClock,
        # randomness
        f"{_connection.__name__}.random": random,
        f"{_connection.__name__}.uuid4": fresh_id,
        f"{_agent.__name__}.uuid4": fresh_id,
        # no edge: the same class, which remembers what was committed
        f"{runt_protocol._replica.__name__}.SyncClient": RecordingClient,
        **mutations,
    }
    patches = [patch(name, value) for name, value in replacements.items()]
    try:
        for each in patches:
            each.start()
        yield
    finally:
        for each in reversed(patches):
            each.stop()


@contextmanager
def seeded_scheduler(random: Random) -> Generator[None]:
    """Let trio draw its order of tasks from a seed, as its hypothesis plugin does."""
    state = trio_run._r.getstate()
    trio_run._r.seed(random.getrandbits(64))
    try:
        with patch.object(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True):
            yield
    finally:
        trio_run._r.setstate(state)


def _requests(network: Callable[[], Network]) -> Callable[..., Any]:
    async def request(
        method: str,
        path: str,
        *,
        service: Service,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,  # noqa: ARG001 - as the original
    ) -> httpx.Response:
        sent = {**service.authorization(), **(headers or {})}
        try:
            status, body = await network().request(
                method, path, timeout_s=timeout_s, headers=sent
            )
        except OSError as error:
            raise UnreachableError(f"{path} gave no answer: {error}") from None
        return httpx.Response(status, content=body)

    return request
