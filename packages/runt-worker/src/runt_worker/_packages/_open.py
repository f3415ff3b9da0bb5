"""The store as runt puts it together: its cache, and its sources in their order."""

from pathlib import Path

from ._cache import WheelCache
from ._carrier import CarrierWheelSource
from ._cdn import PyodideCdnSource, pyodide_base_url
from ._errors import LockFileError
from ._index import PackageIndex, PyPISource
from ._kernel_lock import KernelLock
from ._pip_config import read_pip_config
from ._pyodide_lock import PyodideLock
from ._sources import DirectorySource, PackageSource
from ._store import PackageStore


def open_package_store(
    *,
    pyodide_dir: Path,
    cache_dir: Path,
    packages_dir: Path | None = None,
    mirror_url: str | None = None,
) -> PackageStore:
    """Return the store of one Pyodide, with every source there is.

    After the cache come the user's directory, Pyodide's download site (or a mirror),
    the Python package index, and the wheel on it that carries packages of Pyodide.

    Args:
        pyodide_dir: The unpacked npm package `pyodide`.
        cache_dir: Where package files are kept.
        packages_dir: A wheelhouse of the user's.
        mirror_url: A folder that serves what Pyodide's download site does.

    Raises:
        LockFileError: The Pyodide or this installation is damaged.
    """
    try:
        lock = PyodideLock.parse((pyodide_dir / "pyodide-lock.json").read_bytes())
    except OSError as error:
        raise LockFileError(f"{pyodide_dir} is no Pyodide: {error}") from error
    config = read_pip_config()
    index = PackageIndex(config)
    sources: list[PackageSource] = []
    if packages_dir is not None:
        sources.append(DirectorySource(packages_dir))
    sources += [
        PyodideCdnSource(mirror_url or pyodide_base_url(pyodide_dir), config),
        PyPISource(index),
        CarrierWheelSource(index),
    ]
    return PackageStore(
        lock=lock,
        kernel_lock=KernelLock.load(),
        cache=WheelCache(cache_dir),
        sources=sources,
        index=index,
        packages_dir=packages_dir,
    )
