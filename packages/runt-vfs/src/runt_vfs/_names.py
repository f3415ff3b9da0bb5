"""The names that host directories bear below /mnt."""

import ntpath
import os
import posixpath
import re
from pathlib import PurePosixPath, PureWindowsPath

HostPath = str | os.PathLike[str]
"""A path on the host, absolute or relative to the working directory."""

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_NOT_IN_AN_ALIAS = re.compile(r"[^A-Za-z0-9_-]")


def mount_name(host_path: HostPath) -> str:
    """Return the name under which a host directory is mounted.

    It is the absolute, normalised path with an underscore for every character that is
    neither ASCII letter nor digit: `/home/user/data` becomes `_home_user_data`. The
    path is taken as it is given: symlinks are not resolved and the disk is not asked,
    so a name holds before the directory exists and after a link has changed.

    Two directories can have the same name (`/a-b` and `/a_b`); whoever mounts both has
    to tell them apart.

    Args:
        host_path: The directory. A `PureWindowsPath` or `PurePosixPath` is read by the
            rules of its system, anything else by those of this one.
    """
    return _NOT_IN_A_NAME.sub("_", absolute_path(host_path))


def alias_name(host_path: HostPath) -> str:
    """Return the name that the TypeScript agent of Runt gives to a host directory.

    It keeps hyphens, so notebooks written for that agent look for
    `/mnt/_home_user_my-data`. Often it is the same as the mount name.

    Args:
        host_path: As for `mount_name`.

    Source: the mounts of the pyodide-runtime-agent, JavaScript package of Runt.
    """
    return _NOT_IN_AN_ALIAS.sub(_javascript_underscores, absolute_path(host_path))


def absolute_path(host_path: HostPath) -> str:
    """Return a host path absolute and normalised by its words, links unresolved.

    Args:
        host_path: As for `mount_name`.
    """
    text = os.fspath(host_path)
    match host_path:
        case PureWindowsPath():
            absolute = ntpath.abspath(text)
        case PurePosixPath():
            absolute = posixpath.abspath(text)
        case _:
            absolute = os.path.abspath(text)  # noqa: PTH100 - Path keeps `..`
    # POSIX leaves the meaning of two leading slashes open; here they are one. Windows
    # paths that begin so have backslashes by now.
    return absolute[1:] if absolute.startswith("//") else absolute


def _javascript_underscores(found: re.Match[str]) -> str:
    # A regular expression of JavaScript sees UTF-16: an emoji is two characters to it.
    return "_" * (len(found[0].encode("utf-16-le", "surrogatepass")) // 2)
