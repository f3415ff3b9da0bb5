"""What a scripted worker does with a cell."""

import trio
import trio.lowlevel

from runt_agent.testing import ScriptedWorker
from runt_worker import OnOutput, Stream


async def forever(worker: ScriptedWorker, on_output: OnOutput) -> None:
    """Say something and run until told to stop."""
    on_output(Stream(name="stdout", text="begun\n"))
    await worker.until_interrupted()


async def deaf(_: ScriptedWorker, on_output: OnOutput) -> None:
    """Say something and run on, whatever is told."""
    on_output(Stream(name="stdout", text="begun"))
    await trio.sleep_forever()


async def die(worker: ScriptedWorker, _: OnOutput) -> None:
    """Take the worker along."""
    await trio.lowlevel.checkpoint()
    worker.die()
