"""LiveStore's npm packages on this machine, installed once by Deno and its lock file.

They are large, so they go into the user's cache under a name made of the lock. Our own
scripts stand beside them there, because npm packages are found from where a script is.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from deno import find_deno_bin  # pyright: ignore[reportMissingTypeStubs] - typed inline
from platformdirs import user_cache_path

from runt_agent import LiveStoreVersion

SOURCES: Final = Path(__file__).parents[1] / "livestore"
VERSIONS: Final[tuple[LiveStoreVersion, ...]] = ("0.3", "0.4")
"""The release lines that are tested. What differs from the first is in a folder."""

_MANIFESTS: Final = ("package.json", "deno.json", "deno.lock")
_INSTALL_TIMEOUT_S: Final = 600


class Installation:
    """Where the packages and our scripts are, and how a script is run.

    Attributes:
        version: The release line of LiveStore.
        worker_bundle: The real sync server, bundled for workerd.
    """

    def __init__(
        self, packages: Path, scripts: Path, version: LiveStoreVersion
    ) -> None:
        self._packages = packages
        self._scripts = scripts
        self._config = packages / "deno.json"
        self.version: LiveStoreVersion = version
        self.worker_bundle = scripts / "worker.mjs"

    def command(self, script: str, *arguments: str | Path) -> list[str | Path]:
        """Return the command line of a script, such as `client.ts`."""
        return [
            find_deno_bin(),
            # The packages are what is tested; nothing untrusted runs here.
            *("run", "--allow-all", "--cached-only", "--config", self._config),
            self._scripts / script,
            *arguments,
        ]

    def check_command(self) -> list[str | Path]:
        """Return the command line that checks the types of all scripts."""
        scripts = sorted(self._scripts.glob("*.ts"))
        return [find_deno_bin(), "check", "--config", self._config, *scripts]

    def environment(self) -> dict[str, str]:
        """Return the environment for such a command."""
        return os.environ | {
            "DENO_DIR": str(self._packages / "deno"),
            # Without it LiveStore checks that materialisers are pure, by running them
            # twice, and shuts stores down on batches that are in order.
            "NODE_ENV": "production",
            "NO_COLOR": "1",
        }


def install(version: LiveStoreVersion) -> Installation:
    """Install what is missing; several processes may do so at once.

    Args:
        version: The release line of LiveStore.
    """
    manifests = [_source(version, name) for name in _MANIFESTS]
    place = user_cache_path("runt") / "interop" / _hash(manifests)
    if not place.exists():
        _put(place, partial(_install_packages, manifests))
    scripts = place / f"scripts-{_hash(sorted(SOURCES.rglob('*.ts')))}"
    if not scripts.exists():
        _put(scripts, partial(_install_scripts, version, place))
    return Installation(place, scripts, version)


def _source(version: LiveStoreVersion, name: str) -> Path:
    own = SOURCES / f"v{version}" / name
    return own if own.exists() else SOURCES / name


def _install_packages(manifests: Iterable[Path], place: Path) -> None:
    for manifest in manifests:
        shutil.copy(manifest, place)
    environment = os.environ | {"DENO_DIR": str(place / "download"), "NO_COLOR": "1"}
    _run(
        [find_deno_bin(), "install", "--frozen", "--node-modules-dir=auto"],
        place,
        environment,
    )
    shutil.rmtree(place / "download")


def _install_scripts(version: LiveStoreVersion, packages: Path, place: Path) -> None:
    shutil.copytree(SOURCES, place, dirs_exist_ok=True)
    own = SOURCES / f"v{version}"
    if own.exists():
        shutil.copytree(own, place, dirs_exist_ok=True)
    installation = Installation(packages, place, version)
    command = installation.command("bundle.ts", installation.worker_bundle)
    _run(command, place, installation.environment())


def _put(place: Path, fill: Callable[[Path], None]) -> None:
    """Fill a directory beside its place and rename it: the place is whole or absent."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=place.parent, prefix="install-", ignore_cleanup_errors=True
    ) as directory:
        fresh = Path(directory) / "fresh"
        fresh.mkdir()
        fill(fresh)
        try:
            fresh.rename(place)
        except OSError:
            if not place.exists():
                raise
            # Another process was faster, with the same files.


def _run(
    command: list[str | Path], directory: Path, environment: dict[str, str]
) -> None:
    finished = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{command} failed: {finished.stderr[-2000:]}")


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(SOURCES)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
