import os
import signal

import pytest
import trio

from runt_agent import cancel_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_the_block_and_nothing_else(
    number: signal.Signals,
) -> None:
    with trio.fail_after(5):
        async with cancel_on_signals() as scope:
            os.kill(os.getpid(), number)
            await trio.sleep_forever()

    assert scope.cancelled_caught


async def test_further_signals_do_not_disturb_the_end() -> None:
    ended_well = False

    with trio.fail_after(5):
        async with cancel_on_signals():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    os.kill(os.getpid(), signal.SIGINT)
                    await trio.sleep(0.05)
                    ended_well = True

    assert ended_well


async def test_without_a_signal_the_block_ends_by_itself() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async with cancel_on_signals() as scope:
        await trio.lowlevel.checkpoint()

    assert not scope.cancel_called
    assert signal.getsignal(signal.SIGTERM) == before


async def test_an_error_of_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError):
        async with cancel_on_signals():
            raise LookupError
