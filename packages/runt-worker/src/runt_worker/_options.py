"""What a worker is made of: options, and the assets on disk that they lead to."""

from dataclasses import dataclass, field
from pathlib import Path

from runt_worker._cache_dir import default_cache_dir
from runt_worker._command import Installation
from runt_worker._files import HostMount
from runt_worker._limits import Limits
from runt_worker._network import NetworkGrants
from runt_worker._packages import InstalledPackage, PackageStore


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
        requirements: packages that are there from the start, as lines of a
            requirements file.
        constraints: versions for what these need; they install nothing.
        requires_python: versions of Python that the sandbox's has to be one of, e.g.
            ``>=3.12``; "" takes any.
        allow_net: what user code may request by HTTP; nothing if not given.
        limits: what the worker may use.
    """

    cache_dir: Path = field(default_factory=default_cache_dir)
    packages_dir: Path | None = None
    mounts: tuple[HostMount, ...] = ()
    output_dir: Path | None = None
    mirror_url: str | None = None
    use_image: bool = True
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    requires_python: str = ""
    allow_net: NetworkGrants = field(default_factory=NetworkGrants)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Assets:
    """What has to be on disk before a worker can start.

    Attributes:
        installation: what processes are started from.
        kernel_packages: directories that appear in site-packages from the start: our
            kernel, IPython and what it needs.
        kernel: the packages of these directories.
        requested: packages that this worker has besides, from the start.
        packages: where packages that cells import come from.
    """

    installation: Installation
    kernel_packages: tuple[Path, ...]
    kernel: tuple[InstalledPackage, ...]
    requested: tuple[InstalledPackage, ...] = ()
    packages: PackageStore

    @property
    def start_packages(self) -> tuple[Path, ...]:
        """All that appears in site-packages from the start."""
        # A requested version of a kernel's package stands in its place.
        replaced = {it.name for it in self.requested}
        hidden = {
            path for it in self.kernel if it.name in replaced for path in it.paths
        }
        return (
            *(path for path in self.kernel_packages if path not in hidden),
            *(
                path
                for it in self.requested
                if not it.is_shared_library
                for path in it.paths
            ),
        )

    @property
    def start_libraries(self) -> tuple[Path, ...]:
        """All that the linker finds from the start."""
        return tuple(it.path for it in self.requested if it.is_shared_library)
