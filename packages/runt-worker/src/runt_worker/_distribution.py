"""Pyodide on this machine: installed once from npm by Deno, checked by its lock."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from deno import find_deno_bin  # pyright: ignore[reportMissingTypeStubs] - typed inline

from runt_worker._errors import SetupError

ASSETS = Path(__file__).parent
"""Our TypeScript (``deno/``) and the Python that runs in Pyodide (``kernel/``)."""

_INSTALL_TIMEOUT_S = 600
"""14 MB on a slow line; past that something hangs."""

_MANIFESTS = ("deno.json", "deno.lock")


def deno_executable() -> Path:
    """Return the executable of the PyPI package ``deno``.

    Raises:
        SetupError: the package is there without its executable.
    """
    try:
        return Path(find_deno_bin())
    except FileNotFoundError as error:
        raise SetupError(
            "the deno executable is missing; reinstall it: pip install --force deno"
        ) from error


def find_distribution(cache_dir: Path) -> Path | None:
    """Return the directory of the installed Pyodide, if it is installed."""
    place = _place(cache_dir)
    return place if (place / "pyodide.mjs").is_file() else None


def install_distribution(cache_dir: Path) -> Path:
    """Install Pyodide unless it is there, and return its directory.

    Several processes may do so at once: each installs on its own, the first rename
    wins. Deno checks what it downloads against ``deno.lock``.

    Raises:
        SetupError: Deno could not fetch it, or the disk refused it.
    """
    if found := find_distribution(cache_dir):
        return found
    place = _place(cache_dir)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=place.parent, prefix="install-", ignore_cleanup_errors=True
        ) as directory:
            _move(_deno_install(Path(directory)), place)
    except OSError as error:
        raise SetupError(
            f"cannot install Pyodide into the cache: {error}; "
            "set XDG_CACHE_HOME to a directory that can be written"
        ) from error
    return place


def _place(cache_dir: Path) -> Path:
    lock = (ASSETS / "deno" / "deno.lock").read_bytes()
    return cache_dir / "pyodide" / hashlib.sha256(lock).hexdigest()[:16]


def _deno_install(directory: Path) -> Path:
    """Let Deno install into a temporary directory; return the package's directory."""
    for name in _MANIFESTS:
        shutil.copy(ASSETS / "deno" / name, directory / name)
    finished = subprocess.run(
        [deno_executable(), "install", "--frozen", "--node-modules-dir=auto"],
        cwd=directory,
        # The user's proxy and npm settings count; the cache is ours and goes again.
        env={**os.environ, "DENO_DIR": str(directory / "deno"), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    package = directory / "node_modules" / "pyodide"
    if finished.returncode != 0 or not package.exists():
        words = " ".join(finished.stderr.split())[-400:]
        raise SetupError(
            f"deno could not fetch Pyodide from npm: {words}; "
            "check the network and npm's configuration, then run: runt setup"
        )
    return package.resolve()


def _move(package: Path, place: Path) -> None:
    try:
        package.rename(place)
    except OSError:
        if not (place / "pyodide.mjs").is_file():
            raise
        # Another process was faster, with the same files.
