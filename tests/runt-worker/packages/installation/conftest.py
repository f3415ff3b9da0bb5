"""A package index on this machine, and an installer that asks it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runt_worker._packages import (
    KernelLock,
    LockedPackage,
    PackageStore,
    PyodideLock,
    WheelCache,
)
from runt_worker._packages._index import PackageIndex
from runt_worker._packages._installation import Installer, InstallRequest, Plan
from runt_worker._packages._pip_config import PipConfig

if TYPE_CHECKING:
    from ..conftest import WebServer  # noqa: TID252 - tests are no package


def wheel_bytes(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    more: str = "",
    source: str = "",
) -> tuple[bytes, bytes]:
    """Return a wheel and its METADATA."""
    metadata = f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n{more}"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        module = f"{name.replace('-', '_')}.py"
        archive.writestr(module, f"version = {version!r}\n{source}")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{info}/RECORD", f"{module},,\n{info}/METADATA,,\n")
    return buffer.getvalue(), metadata.encode()


class Index:
    """Projects on a web server of this machine, served as JSON.

    Attributes:
        web: The server.
        files: What each project's page lists; to be changed before `publish`.
    """

    def __init__(self, web: Any) -> None:
        self.web = web
        self.files: dict[str, list[dict[str, Any]]] = {}

    def add(
        self,
        name: str,
        version: str,
        requires: Sequence[str] = (),
        *,
        tag: str = "py3-none-any",
        more: str = "",
        source: str = "",
        serves_metadata: bool = True,
        requires_python: str | None = None,
        **entry: Any,
    ) -> dict[str, Any]:
        """Put a wheel on the index and return its entry on the page."""
        data, metadata = wheel_bytes(name, version, requires, more, source)
        file_name = f"{name.replace('-', '_')}-{version}-{tag}.whl"
        if requires_python is not None:
            entry["requires-python"] = requires_python
        self.web.add(f"files/{file_name}", data)
        if serves_metadata:
            self.web.add(f"files/{file_name}.metadata", metadata)
            entry.setdefault(
                "core-metadata", {"sha256": hashlib.sha256(metadata).hexdigest()}
            )
        return self.list_file(name, file_name, data, **entry)

    def add_source(self, name: str, version: str) -> None:
        """Put a source archive on the index."""
        self.list_file(name, f"{name}-{version}.tar.gz", b"source")

    def list_file(
        self, name: str, file_name: str, data: bytes, **entry: Any
    ) -> dict[str, Any]:
        listed = {
            "filename": file_name,
            "url": f"/files/{file_name}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            **entry,
        }
        self.files.setdefault(name, []).append(listed)
        self.publish(name)
        return listed

    def publish(self, name: str) -> None:
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [],
            "files": self.files[name],
        }
        kind = "application/vnd.pypi.simple.v1+json"
        self.web.add(f"simple/{name}/", json.dumps(page).encode(), kind)


MakeInstaller = Callable[..., Installer]


@pytest.fixture
def index(web: "WebServer") -> Index:
    return Index(web)


@pytest.fixture(scope="module")
def module_index(module_web: "WebServer") -> Index:
    return Index(module_web)


@pytest.fixture
def cache(tmp_path: Path) -> WheelCache:
    return WheelCache(tmp_path / "cache")


@pytest.fixture
def make_installer(web: "WebServer", cache: WheelCache) -> MakeInstaller:
    """Return an installer; `locked` are packages of Pyodide's that nobody serves."""

    def make(
        locked: Sequence[LockedPackage] = (),
        *,
        url: str | None = None,
        packages_dir: Path | None = None,
    ) -> Installer:
        lock = PyodideLock(
            {it.name: it for it in locked},
            abi_version="2026_0",
            python_version="3.14.0",
        )
        config = PipConfig(index_urls=(url or f"{web.url}simple/",))
        store = PackageStore(
            lock=lock,
            kernel_lock=KernelLock({}),
            cache=cache,
            sources=[],
            index=PackageIndex(config),
            packages_dir=packages_dir,
        )
        return Installer(store)

    return make


@pytest.fixture
def installer(make_installer: MakeInstaller) -> Installer:
    return make_installer()


def locked(name: str, version: str, **changes: Any) -> LockedPackage:
    """Return an entry of Pyodide's lock."""
    data, _ = wheel_bytes(name, version)
    entry = {
        "name": name,
        "version": version,
        "file_name": f"{name}-{version}-py3-none-any.whl",
        "sha256": hashlib.sha256(b"pyodide" + data).hexdigest(),
    }
    return msgspec.convert(entry | changes, LockedPackage, strict=False)


class Ask:
    """Plans requests and says what came out in a form that is easy to compare."""

    def plan(self, installer: Installer, *texts: str, **options: Any) -> Plan:
        present = options.pop("present", {})
        return installer.plan(InstallRequest.parse(texts, **options), present)

    def __call__(self, installer: Installer, *texts: str, **options: Any) -> list[str]:
        plan = self.plan(installer, *texts, **options)
        return [f"{it.name} {it.version}" for it in plan.packages]

    locked = staticmethod(locked)
    wheel_bytes = staticmethod(wheel_bytes)


@pytest.fixture
def ask() -> Ask:
    return Ask()
