"""A nursery that is an implementation detail of whoever opens it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import trio


@asynccontextmanager
async def open_flat_nursery() -> AsyncGenerator[trio.Nursery]:
    """Open a nursery that raises a lone exception as itself, not as a group of one.

    Callers catch our errors by name; that a background task raised one is nothing that
    they should see.

    Yields:
        The nursery.

    Raises:
        BaseExceptionGroup: More than one exception was raised.
    """
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
    except BaseExceptionGroup as group:
        lone = _lone_exception(group)
        if lone is None:
            raise
        # Keep its own cause; the group would only repeat it.
        raise lone from lone.__cause__


def _lone_exception(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    if len(group.exceptions) != 1:
        return None
    [member] = group.exceptions
    if isinstance(member, BaseExceptionGroup):
        return _lone_exception(cast("BaseExceptionGroup[BaseException]", member))
    return member
