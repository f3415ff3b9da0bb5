"""What the sandbox is made of on this machine, and which of it is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from runt_worker._confinement import library_directories
from runt_worker._distribution import deno_executable, find_distribution
from runt_worker._early import find_installation
from runt_worker._errors import SetupError
from runt_worker._landlock import FileRight, Rule, landlock_abi, run_confined
from runt_worker._limits import size_text

_VERSION_TIMEOUT_S: Final = 10
_ABI_OF_TCP: Final = 4
_ABI_OF_SIGNALS: Final = 6


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: what.
        found: what is there, in a few words.
        hint: what can be done, where something is missing that matters; else "".
    """

    name: str
    found: str
    hint: str = ""


def check_installation(cache_dir: Path) -> Iterator[Check]:
    """Yield what a sandbox would be made of, and what guards it. Blocks for a moment.

    Args:
        cache_dir: runt's cache.
    """
    yield _deno()
    distribution = find_distribution(cache_dir)
    yield Check(
        "Pyodide",
        "installed" if distribution else "not installed yet",
        "" if distribution else "run: runt setup",
    )
    image = distribution and find_installation(cache_dir)
    yield Check(
        "memory image",
        "made" if image else "not made yet",
        "" if image else "run: runt setup",
    )
    yield _cache(cache_dir)
    yield from _kernel_layer()


def _deno() -> Check:
    try:
        command = [deno_executable(), "--version"]
        shown = subprocess.run(
            command,
            capture_output=True,
            check=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
        )
    except (SetupError, OSError, subprocess.SubprocessError) as error:
        return Check("Deno", f"does not run: {error}", "reinstall the package deno")
    return Check("Deno", shown.stdout.partition("\n")[0])


def _cache(cache_dir: Path) -> Check:
    existing = next(it for it in (cache_dir, *cache_dir.parents) if it.exists())
    free = size_text(shutil.disk_usage(existing).free)
    if not os.access(existing, os.W_OK):
        return Check("cache", f"{cache_dir} cannot be written", "look at its rights")
    return Check("cache", f"{cache_dir}, {free} free")


def _kernel_layer() -> Iterator[Check]:
    if sys.platform != "linux":
        yield Check(
            "second layer", "only Linux has one: Deno's permissions stand alone"
        )
        return
    abi = landlock_abi()
    if not abi:
        hint = "a kernel from 5.13 with Landlock enabled adds it"
        yield Check("Landlock", "none: Deno's permissions stand alone", hint)
        return
    holds = _holds(abi)
    yield Check(
        "Landlock",
        f"version {abi}, tried" if holds else f"version {abi}, but it denies nothing",
        "" if holds else "ask whoever runs this machine",
    )
    yield Check("TCP", "denied by the kernel" if abi >= _ABI_OF_TCP else "Deno's alone")
    signals = "denied by the kernel" if abi >= _ABI_OF_SIGNALS else "Deno's alone"
    yield Check("signals", signals)


def _holds(abi: int) -> bool:
    """Say whether a confined thread cannot read what it may not."""
    rules = [Rule(it, FileRight.READ_DIR, "a trial") for it in library_directories()]
    attempt: Callable[[], bytes] = Path("/proc/self/status").read_bytes
    try:
        run_confined(rules, abi, attempt)
    except PermissionError:
        return True
    return False
