"""What a worker is made of: options, and the assets on disk that they lead to."""

from dataclasses import dataclass, field
from pathlib import Path

from runt_worker._cache_dir import default_cache_dir
from runt_worker._command import Installation
from runt_worker._files import HostMount
from runt_worker._limits import Limits
from runt_worker._packages import PackageStore


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker is set up.

    Attributes:
        cache_dir: Pyodide and packages are kept here, shared by all workers.
        mounts: host directories for the sandbox.
        output_dir: after each cell, what is new in ``/outputs`` is copied there.
        packages_dir: a wheelhouse or a Pyodide distribution, asked before any network.
        mirror_url: a folder that serves what Pyodide's download site does.
        use_image: whether the interpreter starts from a memory image, which takes a
            tenth of the time; the image is made the first time.
        limits: what the worker may use.
    """

    cache_dir: Path = field(default_factory=default_cache_dir)
    packages_dir: Path | None = None
    mounts: tuple[HostMount, ...] = ()
    output_dir: Path | None = None
    mirror_url: str | None = None
    use_image: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Assets:
    """What has to be on disk before a worker can start.

    Attributes:
        installation: what processes are started from.
        kernel_packages: directories that appear in site-packages from the start: our
            kernel, IPython and what it needs.
        packages: where packages that cells import come from.
    """

    installation: Installation
    kernel_packages: tuple[Path, ...]
    packages: PackageStore
