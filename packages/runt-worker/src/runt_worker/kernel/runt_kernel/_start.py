"""How the kernel begins: what a memory image holds, and what is one process's own."""

import gc
import random
import sys
from collections.abc import Iterable
from pathlib import Path

from runt_kernel import (
    _absent,
    _adaptations,
    _highlighting,
    _http,
    _locks,
    _no_sockets,
    _packages,
    _sleep,
    _tracebacks,
    _warming,
)
from runt_kernel._bridge import Bridge
from runt_kernel._kernel import Kernel

_prepared: list[Kernel] = []
"""The kernel that `prepare` made; `start` takes it."""


def prepare() -> None:
    """Make a kernel and have it import and try what notebooks use.

    Nothing of it may belong to this process: it can end up in a memory image.
    """
    kernel = _make_kernel()
    try:
        _warming.warm(kernel)
    except BaseException:
        # Pyodide takes the text of an exception from what the hook prints.
        sys.stderr = sys.__stderr__
        raise
    _prepared.append(kernel)
    gc.collect()
    gc.freeze()  # all of it stays, so no later collection needs to look at it


def resume() -> None:
    """Go on from a memory image."""
    # It holds the state of generators; two sessions must not share it.
    random.seed()
    # The machine code for running a cell is no part of it.
    _prepared[-1].try_cell("None", store_history=False)


def start(bridge: Bridge, importable: Iterable[str], max_frame_bytes: int) -> Kernel:
    """Make the interpreter a sandboxed notebook's and return its kernel."""
    kernel = _prepared.pop() if _prepared else _make_kernel()
    _sleep.install(bridge)
    Path("/home/pyodide").mkdir(parents=True, exist_ok=True)
    _packages.install(bridge, importable)
    _http.install(bridge)
    kernel.connect(bridge, max_frame_bytes)
    return kernel


def _make_kernel() -> Kernel:
    _absent.install()
    _adaptations.install()
    _highlighting.install()
    _locks.install()
    _no_sockets.install()
    _tracebacks.install()
    return Kernel()
