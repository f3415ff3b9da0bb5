"""Packages for the sandbox: locked, fetched, checked, unpacked.

Everything here blocks and knows no event loop; any number of threads and processes may
share one cache directory.
"""

from ._cache import CachedFile, WheelCache, hash_of
from ._errors import (
    ArchiveError,
    HashMismatchError,
    LockFileError,
    PackageCacheError,
    PackageError,
    PackageSourceError,
    PackageUnavailableError,
    RequirementError,
    ResolutionError,
    UnknownPackageError,
)
from ._kernel_lock import KernelLock
from ._open import open_package_store
from ._pins import Pin, canonical_name
from ._pruning import remove_leftovers, remove_unpacked, remove_wheels
from ._pyodide_lock import LockedPackage, PyodideLock
from ._sources import DirectorySource, PackageSink, PackageSource
from ._store import (
    InstalledPackage,
    OnProgress,
    PackageProgress,
    PackageStore,
)

__all__ = [
    "ArchiveError",
    "CachedFile",
    "DirectorySource",
    "HashMismatchError",
    "InstalledPackage",
    "KernelLock",
    "LockFileError",
    "LockedPackage",
    "OnProgress",
    "PackageCacheError",
    "PackageError",
    "PackageProgress",
    "PackageSink",
    "PackageSource",
    "PackageSourceError",
    "PackageStore",
    "PackageUnavailableError",
    "Pin",
    "PyodideLock",
    "RequirementError",
    "ResolutionError",
    "UnknownPackageError",
    "WheelCache",
    "canonical_name",
    "hash_of",
    "open_package_store",
    "remove_leftovers",
    "remove_unpacked",
    "remove_wheels",
]
