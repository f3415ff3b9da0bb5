"""Wheels of strangers that a cell installs from a mount: the guest unpacks them itself.

Those that the supervisor unpacks are attacked in `tests/runt-worker/packages/hostile/`
and `.../installation/hostile/`.
"""

import stat
import zipfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runt_worker import HostMount, LimitExceededError, Limits, WorkerOptions
from runt_worker.testing import SharedWorker, shared_worker

METADATA = "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
INFO = "evil-1.dist-info"
UP = "../" * 12

PLACES = """
import os
[M] = ["/mnt/" + name for name in os.listdir("/mnt")]
"""


@dataclass
class Mounted:
    """A sandbox that may write to a directory of the host, where wheels lie.

    Attributes:
        guest_path: the directory, as the sandbox calls it.
    """

    host_path: Path
    guest_path: str
    sandbox: SharedWorker

    def tree(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.host_path)): path.read_bytes()
            for path in self.host_path.rglob("*")
            if path.is_file()
        }

    def install(self, name: str) -> str:
        """Install a wheel that lies there; return how that ended."""
        try:
            return self.sandbox.run(f"%pip install {self.guest_path}/{name}").status
        except LimitExceededError as error:
            return str(error)


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mounted]:
    host_path = tmp_path_factory.mktemp("mounted")
    (host_path / "precious").write_text("precious")
    options = WorkerOptions(
        mounts=(HostMount(host_path=host_path, allow_writes=True),),
        limits=Limits(memory_bytes=Limits.MIN_MEMORY_BYTES),
    )
    with shared_worker(options) as sandbox:
        guest_path = sandbox.run(f"{PLACES}print(M, end='')").text()
        yield Mounted(host_path, guest_path, sandbox)


def link(target: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo("evil_link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    member.comment = target.encode()
    return member


def with_dots(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(f"{UP}{mount[1:]}/planted", "x")
    wheel.writestr(f"evil/{UP}{mount[1:]}/precious", "x")


def with_roots(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(f"{mount}/planted", "x")
    wheel.writestr(f"/{mount}/precious", "x")


def with_dots_in_data(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(f"evil-1.data/purelib/{UP}{mount[1:]}/planted", "x")
    wheel.writestr(f"evil-1.data/data/{mount}/precious", "x")
    wheel.writestr(f"evil-1.data/scripts/{UP}{mount[1:]}/planted", "x")


def with_backslashes(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(f"{UP}{mount[1:]}/planted".replace("/", "\\"), "x")


def with_link(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(link(mount), mount)
    wheel.writestr("evil_link/planted", "x")


def with_lying_record(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr("evil.py", "x = 1")
    record = f"{UP}{mount[1:]}/precious,,\n{mount}/precious,sha256=AA,1\nevil.py,,\n"
    wheel.writestr(f"{INFO}/RECORD", record)


def with_metadata_elsewhere(wheel: zipfile.ZipFile, mount: str) -> None:
    wheel.writestr(f"{UP}{mount[1:]}/{INFO}/METADATA", METADATA)


def with_bomb(wheel: zipfile.ZipFile, _mount: str) -> None:
    with wheel.open("evil.bin", "w", force_zip64=True) as file:
        for _ in range(64):
            file.write(bytes(16 << 20))


HOSTILE: list[Callable[[zipfile.ZipFile, str], None]] = [
    with_dots,
    with_roots,
    with_dots_in_data,
    with_backslashes,
    with_link,
    with_lying_record,
    with_metadata_elsewhere,
    with_bomb,
]


@pytest.mark.parametrize("fill", HOSTILE)
def test_a_hostile_wheel_of_a_mount_changes_nothing_there(
    mounted: Mounted, fill: Callable[[zipfile.ZipFile, str], None]
) -> None:
    place = mounted.host_path / "evil-1-py3-none-any.whl"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as wheel:
        if fill is not with_metadata_elsewhere:
            wheel.writestr(f"{INFO}/METADATA", METADATA)
        fill(wheel, mounted.guest_path)
    before = mounted.tree()
    status = mounted.install(place.name)
    # A link becomes a file that holds its target, and no directory.
    is_installed = fill not in {with_bomb, with_metadata_elsewhere, with_link}
    assert (status == "ok") == is_installed, status
    mounted.sandbox.run("%pip uninstall -y evil")
    assert mounted.tree() == before
    assert mounted.sandbox.run("print('a fresh cell')").text() == "a fresh cell\n"
