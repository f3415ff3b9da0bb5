"""The user's own pip configuration: which package index, which certificates.

Whoever installs from a mirror has told pip so already. Asking pip itself would take
half a second and a pip in this environment, which uv does not put there.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

import msgspec
import platformdirs

_FILE_NAME = "pip.ini" if sys.platform == "win32" else "pip.conf"

# Options of `pip download`, the command that does what we do, beat the global ones.
_SECTIONS = ("global", "install", "download")

_TRUE = frozenset({"1", "true", "yes", "on"})


class PipConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of pip's configuration concerns the way to a package index.

    Not honoured: `find-links` and indexes on disk (they hold packages for the host, not
    for the sandbox) and `trusted-host` (a certificate can be named by `cert`).

    Attributes:
        index_urls: Indexes that speak HTTP, the main one first; None stands for the
            one that the client library knows by itself.
        no_index: Whether the user forbids every index.
        cert: A file or directory of certificates, if the user names one.
        proxy: A proxy's URL, if the user names one here and not in the environment.
    """

    index_urls: tuple[str | None, ...] = (None,)
    no_index: bool = False
    cert: str | None = None
    proxy: str | None = None


def read_pip_config(
    environ: Mapping[str, str] | None = None, files: Iterable[Path] | None = None
) -> PipConfig:
    """Read pip's configuration files and variables as pip itself would.

    Args:
        environ: The environment; this process's unless given.
        files: The configuration files, the strongest last; pip's own places unless
            given. Those that are missing or unreadable are passed over, as pip does.

    Source: pip's documentation «Configuration».
    """
    environ = os.environ if environ is None else environ
    options = _from_files(_config_files(environ) if files is None else files)
    # PIP_INDEX_URL is index-url: any option can be given so, and beats every file.
    options |= {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    main = options.get("index-url")
    extra = options.get("extra-index-url", "").split()
    return PipConfig(
        index_urls=tuple(
            url
            for url in (main, *extra)
            if url is None or url.startswith(("https://", "http://"))
        ),
        no_index=options.get("no-index", "").lower() in _TRUE,
        cert=options.get("cert"),
        proxy=options.get("proxy"),
    )


def _from_files(files: Iterable[Path]) -> dict[str, str]:
    options: dict[str, str] = {}
    for path in files:
        # pip takes a percent sign for itself, so interpolation is off.
        parser = ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
        except (OSError, UnicodeDecodeError, ConfigParserError):
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                options |= dict(parser.items(section))
    return options


def _config_files(environ: Mapping[str, str]) -> list[Path]:
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path.home()
    legacy = home / ("pip" if sys.platform == "win32" else ".pip")
    site = platformdirs.site_config_dir("pip", appauthor=False, multipath=True)
    files = [Path(folder) / _FILE_NAME for folder in site.split(os.pathsep)]
    if sys.platform == "linux":
        files.append(Path("/etc") / _FILE_NAME)
    files += [
        legacy / _FILE_NAME,
        platformdirs.user_config_path("pip", appauthor=False, roaming=True)
        / _FILE_NAME,
        Path(sys.prefix) / _FILE_NAME,
    ]
    return [*files, Path(named)] if named else files
