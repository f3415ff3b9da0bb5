"""What a worker is made of: options, and the assets on disk that they lead to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_cache_path

from runt_worker._command import ProcessPaths
from runt_worker._distribution import ASSETS, deno_executable, install_distribution
from runt_worker._files import HostMount
from runt_worker._limits import Limits
from runt_worker._packages import PackageStore, open_package_store


def default_cache_dir() -> Path:
    """Return the user's cache directory of runt."""
    return user_cache_path("runt")


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker is set up.

    Attributes:
        cache_dir: Pyodide and packages are kept here, shared by all workers.
        mounts: host directories for the sandbox.
        output_dir: after each cell, what is new in ``/outputs`` is copied there.
        packages_dir: a wheelhouse or a Pyodide distribution, asked before any network.
        mirror_url: a folder that serves what Pyodide's download site does.
        limits: what the worker may use.
    """

    cache_dir: Path = field(default_factory=default_cache_dir)
    packages_dir: Path | None = None
    mounts: tuple[HostMount, ...] = ()
    output_dir: Path | None = None
    mirror_url: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Assets:
    """What has to be on disk before a worker can start.

    Attributes:
        deno: the executable.
        distribution: directory of Pyodide.
        kernel_packages: directories that appear in site-packages from the start: our
            kernel, IPython and what it needs.
        packages: where packages that cells import come from.
        packages_root: all unpacked packages lie below it.
    """

    deno: Path
    distribution: Path
    kernel_packages: tuple[Path, ...]
    packages: PackageStore
    packages_root: Path

    def process_paths(self, run_directory: Path) -> ProcessPaths:
        """Return what a process with that private directory sees of the host."""
        return ProcessPaths(
            deno=self.deno,
            assets=ASSETS,
            distribution=self.distribution,
            packages=self.packages_root,
            run_directory=run_directory,
        )


OnSetup = Callable[[str], None]
"""Called with one line about what is being fetched."""


def prepare(options: WorkerOptions, on_progress: OnSetup | None = None) -> Assets:
    """Fetch whatever a worker needs and is not on disk yet. Blocks.

    Args:
        options: where things are kept and where they come from.
        on_progress: told what is being done, from several threads.

    Raises:
        SetupError: Pyodide cannot be had.
        PackageError: one of the kernel's packages cannot be had.
    """
    tell = on_progress or _say_nothing
    tell("Pyodide")
    distribution = install_distribution(options.cache_dir)
    store = open_package_store(
        pyodide_dir=distribution,
        cache_dir=options.cache_dir,
        packages_dir=options.packages_dir,
        mirror_url=options.mirror_url,
    )
    kernel = store.ensure_kernel(lambda progress: tell(progress.name))
    return Assets(
        deno=deno_executable(),
        distribution=distribution,
        kernel_packages=(ASSETS / "kernel", *(package.path for package in kernel)),
        packages=store,
        packages_root=options.cache_dir / "unpacked",
    )


def _say_nothing(_line: str) -> None:
    pass
