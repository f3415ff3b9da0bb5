"""From names of packages to directories that can be put on a path."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from ._cache import WheelCache
from ._errors import PackageSourceError, PackageUnavailableError
from ._index import PackageIndex, PyPISource
from ._kernel_lock import KernelLock
from ._pins import IndexPin, Pin, canonical_name
from ._pyodide_lock import LockedPackage, PyodideLock
from ._sources import PackageSource

_PARALLEL_FETCHES = 4
"""Enough to hide the latency of a host, few enough to be polite to it."""


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package whose files are on the host's disk, whole and unpacked.

    Attributes:
        name: Its canonical name.
        version: Its version.
        sha256: The hash of the file that it was unpacked from.
        path: The directory with its files; never written to again.
        is_shared_library: Whether the linker needs it, not Python's path.
    """

    name: str
    version: str
    sha256: str
    path: Path
    is_shared_library: bool

    @property
    def bytecode_path(self) -> Path:
        """Where the bytecode of its files belongs, in the same directories."""
        return self.path.parent / "bytecode"

    @property
    def paths(self) -> tuple[Path, ...]:
        """The directories to show: its files, and their bytecode if there is any."""
        bytecode = self.bytecode_path
        return (self.path, bytecode) if bytecode.is_dir() else (self.path,)


class PackageProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the fetching of one package is.

    Attributes:
        name: Its canonical name.
        bytes_done: Bytes that have arrived; begins anew with another source.
        bytes_total: Bytes in all, or None while nobody knows.
    """

    name: str
    bytes_done: int
    bytes_total: int | None


OnProgress = Callable[[PackageProgress], None]
"""Called from the store's threads; what it raises ends the fetching."""


class PackageStore:
    """All packages that a sandbox can have, fetched when they are asked for.

    Threads and processes may use it at the same time; it blocks, so an event loop calls
    it in a thread.

    Args:
        lock: Pyodide's packages.
        kernel_lock: Ours.
        cache: Where files are kept.
        sources: Who is asked for what the cache lacks, in this order.
        index: Where packages that no lock names come from; None: from nowhere.
        packages_dir: A wheelhouse of the user's, in which they are looked for, too.
    """

    def __init__(  # noqa: PLR0913 - what a store is made of
        self,
        *,
        lock: PyodideLock,
        kernel_lock: KernelLock,
        cache: WheelCache,
        sources: Sequence[PackageSource],
        index: PackageIndex | None = None,
        packages_dir: Path | None = None,
    ) -> None:
        self.lock = lock
        self.kernel_lock = kernel_lock
        self.cache = cache
        self.index = index
        self.packages_dir = packages_dir
        self._sources = tuple(sources)

    def ensure(
        self, names: Iterable[str], on_progress: OnProgress | None = None
    ) -> tuple[InstalledPackage, ...]:
        """Return packages with all they need, each after what it depends on.

        Args:
            names: Distributions' names, in any spelling.
            on_progress: Told about every piece of a file that arrives.

        Raises:
            UnknownPackageError: No lock has one of them.
            PackageUnavailableError: No source delivered one of them.
            HashMismatchError: A source delivered something else.
            ArchiveError: A package is broken or hostile.
            PackageCacheError: The cache cannot be used.
        """
        return self.ensure_pins(self.pins(names), on_progress)

    def pins(self, names: Iterable[str]) -> tuple[Pin, ...]:
        """Return the files of packages and of all they need, each after its needs.

        Args:
            names: Distributions' names, in any spelling.

        Raises:
            UnknownPackageError: No lock has one of them.
        """
        pins: dict[str, Pin] = {}
        for name in names:
            canonical = canonical_name(name)
            if pinned := self.kernel_lock.packages.get(canonical):
                pins[canonical] = pinned
                continue
            for package in self.lock.closure([name]):
                pins[package.name] = self.kernel_lock.packages.get(
                    package.name, package
                )
        return tuple(pins.values())

    def missing(self, pins: Iterable[Pin]) -> tuple[Pin, ...]:
        """Return those files that have to be fetched or unpacked first.

        Args:
            pins: Files.
        """
        return tuple(pin for pin in pins if self.cache.unpacked(pin) is None)

    def ensure_kernel(
        self, on_progress: OnProgress | None = None
    ) -> tuple[InstalledPackage, ...]:
        """Return the packages that are in every sandbox: IPython and what it needs.

        Args:
            on_progress: Told about every piece of a file that arrives.

        Raises:
            PackageUnavailableError: No source delivered one of them.
            HashMismatchError: A source delivered something else.
            ArchiveError: A package is broken or hostile.
            PackageCacheError: The cache cannot be used.
        """
        return self.ensure_pins(tuple(self.kernel_lock.packages.values()), on_progress)

    def ensure_pins(
        self, pins: Sequence[Pin], on_progress: OnProgress | None = None
    ) -> tuple[InstalledPackage, ...]:
        """Return files unpacked, in the order given.

        Args:
            pins: The files, and nothing that they need.
            on_progress: Told about every piece of a file that arrives.

        Raises:
            PackageUnavailableError: No source delivered one of them.
            HashMismatchError: A source delivered something else.
            ArchiveError: A package is broken or hostile.
            PackageCacheError: The cache cannot be used.
        """
        if missing := self.missing(pins):
            self._unpack_all(missing, on_progress)
        return tuple(_installed(pin, self.cache.unpack(pin)) for pin in pins)

    def _unpack_all(self, pins: Sequence[Pin], on_progress: OnProgress | None) -> None:
        pool = ThreadPoolExecutor(_PARALLEL_FETCHES, thread_name_prefix="runt-packages")
        try:
            futures = [pool.submit(self._provide, pin, on_progress) for pin in pins]
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        finally:
            # After a failure the files that have not been begun are not wanted any
            # more.
            pool.shutdown(cancel_futures=True)

    def _provide(self, pin: Pin, on_progress: OnProgress | None) -> None:
        if self.cache.get(pin) is None:
            self._fetch(pin, on_progress)
        self.cache.unpack(pin)

    def _fetch(self, pin: Pin, on_progress: OnProgress | None) -> None:
        def on_bytes(bytes_done: int, bytes_total: int | None) -> None:
            if on_progress:
                on_progress(
                    PackageProgress(
                        name=pin.name, bytes_done=bytes_done, bytes_total=bytes_total
                    )
                )

        attempts: list[tuple[str, str]] = []
        for source in self._sources_of(pin):
            try:
                if self.cache.fill(pin, source, on_bytes):
                    return
                attempts.append((source.name, "does not have it"))
            except PackageSourceError as error:
                attempts.append((source.name, error.reason))
        raise PackageUnavailableError(pin.file_name, attempts)

    def _sources_of(self, pin: Pin) -> Sequence[PackageSource]:
        if not isinstance(pin, IndexPin):
            return self._sources
        return () if self.index is None else (PyPISource(self.index),)


def _installed(pin: Pin, path: Path) -> InstalledPackage:
    return InstalledPackage(
        name=pin.name,
        version=pin.version,
        sha256=pin.sha256,
        path=path,
        is_shared_library=isinstance(pin, LockedPackage)
        and pin.package_type == "shared_library",
    )
