"""The peer: a native ipykernel, driven by jupyter_client as notebooks drive it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_TIMEOUT_S = 120


@contextmanager
def native_kernel() -> Generator[BlockingKernelClient]:
    """Start an ipykernel and yield its client once it is ready and idle."""
    with managed_kernel() as (_, client):
        yield client


@contextmanager
def native_process() -> Generator[int]:
    """Start an ipykernel and yield its process id once it is ready and idle."""
    with managed_kernel() as (manager, _):
        yield manager.provisioner.pid


@contextmanager
def managed_kernel() -> Generator[tuple[Any, BlockingKernelClient]]:
    """Yield also its manager, which can interrupt it."""
    manager: Any = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client: BlockingKernelClient = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_TIMEOUT_S)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def cold_start_s() -> float:
    """Return seconds from the launch until the kernel is ready and idle."""
    started = time.perf_counter()
    with native_kernel():
        return time.perf_counter() - started


def run_cell(client: BlockingKernelClient, code: str) -> tuple[float, int]:
    """Run a cell.

    Returns:
        Seconds until reply and idle have come, and how many messages came before.
    """
    started = time.perf_counter()
    messages: list[dict[str, Any]] = []
    client.execute_interactive(
        code, timeout=_TIMEOUT_S, output_hook=messages.append, allow_stdin=False
    )
    return time.perf_counter() - started, len(messages)
