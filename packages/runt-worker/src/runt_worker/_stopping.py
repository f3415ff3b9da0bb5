"""How what runs is stopped: it is told, told again, forced, and killed at the end."""

import contextlib
from functools import partial

import trio

from runt_worker._errors import UnheededInterruptError, WorkerDiedError
from runt_worker._kernel import Kernel
from runt_worker._nursery import open_flat_nursery
from runt_worker._pending_request import PendingRequest, ReplyT

_ESCALATION = ((False, 1 / 2), (False, 1 / 4), (True, 1 / 4))
"""Whether an interrupt leaves a way to go on, and its share of the grace period: code
may clean up for as long as possible, and catch an interrupt or two."""


async def stop(kernel: Kernel, pending: PendingRequest[ReplyT], grace_s: float) -> None:
    """Interrupt a request, again and harder; return when it has ended.

    Args:
        kernel: What carries it out; it is killed if that does not end in time.
        pending: The request.
        grace_s: How long it may go on.
    """
    async with open_flat_nursery() as nursery:
        for force, share in _ESCALATION:
            # Beside the wait: a process that reads no more must be killed, too.
            nursery.start_soon(partial(interrupt, kernel, pending, force=force))
            with trio.move_on_after(grace_s * share):
                await pending.settled()
                return
        kernel.kill(
            UnheededInterruptError(
                f"what ran did not end within {grace_s:g} s of being told to stop, "
                "and was killed"
            )
        )


async def interrupt(
    kernel: Kernel, pending: PendingRequest[ReplyT], *, force: bool = False
) -> None:
    """Interrupt a request once.

    Args:
        kernel: What carries it out.
        pending: The request.
        force: Whether it is interrupted at each of its lines.
    """
    with contextlib.suppress(WorkerDiedError):  # whoever waits for the answer is told
        await kernel.interrupt(pending, force=force)
