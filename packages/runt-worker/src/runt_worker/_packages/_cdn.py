"""Pyodide's own download site, or a mirror of it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ._errors import LockFileError
from ._http import Outage, download, open_session
from ._pins import Pin
from ._pip_config import PipConfig
from ._sources import PackageSink

if TYPE_CHECKING:
    import requests

# pyodide.mjs: packageBaseUrl ?? `https://HOST/pyodide/v${VERSION}/full/`
_DEFAULT_BASE = re.compile(
    r"packageBaseUrl\s*\?\?\s*`(?P<url>https://[^`$]+)\$\{\w+\}(?P<rest>[^`$]*)`"
)


class _NodePackage(msgspec.Struct, frozen=True):
    """What we read of package.json."""

    version: str


def pyodide_base_url(pyodide_dir: Path) -> str:
    """Return where Pyodide itself would fetch its packages from.

    Args:
        pyodide_dir: The unpacked npm package `pyodide`.

    Raises:
        LockFileError: It is none, or one that is laid out differently.

    Source: `loadPyodide` in pyodide.mjs of Pyodide 314.
    """
    try:
        script = (pyodide_dir / "pyodide.mjs").read_text(encoding="utf-8")
        manifest = (pyodide_dir / "package.json").read_bytes()
        version = msgspec.json.decode(manifest, type=_NodePackage).version
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise LockFileError(f"{pyodide_dir} is no Pyodide: {error}") from error
    found = _DEFAULT_BASE.search(script)
    if not found:
        raise LockFileError(f"{pyodide_dir} does not say where its packages are")
    return f"{found['url']}{version}{found['rest']}"


class PyodideCdnSource:
    """Serves every package of Pyodide's lock under its file name.

    Args:
        base_url: The folder that holds the files, as from `pyodide_base_url`.
        config: The user's proxy and certificates.
    """

    def __init__(self, base_url: str, config: PipConfig | None = None) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._config = config or PipConfig()
        self._outage = Outage(self.name)
        self._session: requests.Session | None = None

    @property
    def name(self) -> str:
        """Whose site it is."""
        return "Pyodide's download site"

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Download a file.

        Args:
            pin: The file that is wanted.
            sink: Where its bytes go.

        Returns:
            False if the site does not have it.

        Raises:
            PackageSourceError: The site is away, refused, or broke off.
        """
        if self._session is None:
            self._session = open_session(self._config)
        return download(
            self._session, self._base_url + pin.file_name, sink, self._outage
        )
