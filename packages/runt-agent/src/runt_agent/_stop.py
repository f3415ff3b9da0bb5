"""The wish that an agent should end, as something to wait for."""

from collections.abc import Awaitable, Callable

import trio

from runt_worker import open_flat_nursery


class Stop:
    """Tells everybody that the agent should end."""

    def __init__(self) -> None:
        """Start without a wish to end."""
        self._event = trio.Event()

    @property
    def requested(self) -> bool:
        """Whether the agent should end."""
        return self._event.is_set()

    def request(self) -> None:
        """Ask the agent to end."""
        self._event.set()

    async def unless(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work, and drop it as soon as the agent should end."""
        async with open_flat_nursery() as nursery:
            nursery.start_soon(self._cancel, nursery.cancel_scope)
            await work()
            nursery.cancel_scope.cancel()

    async def _cancel(self, scope: trio.CancelScope) -> None:
        await self._event.wait()
        scope.cancel()
