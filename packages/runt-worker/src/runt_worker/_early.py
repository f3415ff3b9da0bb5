"""Starts a sandbox process before anybody knows in detail what it is for.

It needs no more than the standard library and the executable's own package.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from runt_worker._cache_dir import default_cache_dir
from runt_worker._command import Installation
from runt_worker._distribution import ASSETS, deno_executable, find_distribution
from runt_worker._errors import SetupError
from runt_worker._image import image_place, is_whole
from runt_worker._launch import LaunchedProcess, launch


@contextmanager
def launch_early(cache_dir: Path | None = None) -> Generator[LaunchedProcess | None]:
    """Start a sandbox process for `open_worker`; at the end of the block it has ended.

    The interpreter starts in it while the caller goes on importing and preparing.

    Args:
        cache_dir: runt's cache; the user's if not given.

    Yields:
        The process, or None where something has to be fetched or made first.
    """
    installation = find_installation(cache_dir or default_cache_dir())
    if installation is None:
        yield None
        return
    with ExitStack() as stack:
        launched = None
        with suppress(SetupError):  # whoever opens a worker will meet it again
            launched = stack.enter_context(launch(installation))
        yield launched


def find_installation(cache_dir: Path) -> Installation | None:
    """Return what a process is started from, if all of it is there.

    Args:
        cache_dir: runt's cache.
    """
    distribution = find_distribution(cache_dir)
    if distribution is None:
        return None
    try:
        installation = Installation(
            deno=deno_executable(),
            assets=ASSETS,
            distribution=distribution,
            packages=cache_dir / "unpacked",
        )
        image = image_place(cache_dir, installation)
    except (OSError, SetupError):
        return None
    return replace(installation, image=image) if is_whole(image) else None
