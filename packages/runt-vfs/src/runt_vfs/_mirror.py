"""Brings an output directory up to date with what a guest has written."""

import errno
from collections.abc import Generator
from contextlib import contextmanager

from ._attributes import FileStat
from ._copy import PARTIAL_PREFIX, Copier, Version, version_of
from ._directory import HostDirectory, open_host_directory
from ._errors import (
    HostError,
    MirrorError,
    MirrorFailure,
    RequestError,
    SpecialFileError,
    VfsError,
)
from ._guest_path import GuestPath
from ._limits import DEFAULT_LIMITS, Limits
from ._names import HostPath

_ROOT = GuestPath.parse("")

_Known = dict[GuestPath, Version]
_News = list[tuple[GuestPath, FileStat]]


class OutputMirror:
    """Brings an output directory up to date with a staging directory.

    Both are contained: no link in the one or the other leads a copy out of it.

    - A file is copied if it has changed since it was last copied. Of what this mirror
      has never copied, only what differs in size or time from what is there, so an
      interrupted run goes on where it was.
    - It is copied to a temporary file beside its place, which is written to the disk
      and renamed. Nobody sees a half-written file, whenever this process dies.
    - A file that changes while it is read is read again. If it does not keep still, its
      last whole version stays where it was, until the next `sync`.
    - Directories are made, and symlinks that stay inside are made again. What is no
      longer in the staging directory stays in the output directory.

    Nothing is held open between two calls, so either directory may be replaced; a new
    output directory gets everything. Calls must not overlap.

    Args:
        staging: The host directory that the guest writes to.
        output: The host directory to bring up to date.
        limits: How files are copied.
    """

    def __init__(
        self, staging: HostPath, output: HostPath, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._staging = staging
        self._output = output
        self._limits = limits
        self._known: _Known = {}
        self._known_in: tuple[int, int] | None = None

    def sync(self) -> tuple[str, ...]:
        """Copy what has changed, and return the relative paths of files and links.

        It blocks while it copies, so it wants a thread of its own. A file that cannot
        be copied keeps none of the others from it, and is tried again the next time.

        Raises:
            MirrorError: Some files could not be copied; it names them. All others were.
            OSError: The staging directory is missing or unreadable.
        """
        run = _Run()
        with open_host_directory(self._staging, limits=self._limits) as staging:
            try:
                output = open_host_directory(
                    self._output, allow_writes=True, limits=self._limits
                )
            except OSError as error:
                # The files that wait for it are named, which says more than its path.
                run.fail_all(staging, self._known, error.errno or errno.EIO)
            else:
                with output:
                    self._forget_if_replaced(output)
                    copier = Copier(staging, output, self._limits)
                    self._known = run.copy_all(staging, self._known, copier)
        if run.failures:
            most = self._limits.max_named_failures
            raise MirrorError(tuple(run.failures), tuple(run.copied), most)
        return tuple(run.copied)

    def _forget_if_replaced(self, output: HostDirectory) -> None:
        root = output.stat(_ROOT)
        if self._known_in != (root.device, root.inode):
            self._known_in = (root.device, root.inode)
            self._known = {}


class _Run:
    """One `sync`: what it has copied, and what it could not."""

    def __init__(self) -> None:
        self.copied: list[str] = []
        self.failures: list[MirrorFailure] = []

    def fail_all(self, staging: HostDirectory, known: _Known, number: int) -> None:
        """Name everything that would have been copied."""
        _, news = self._compare(staging, known)
        for path, found in news:
            if found.is_directory:
                continue
            self.failures.append(MirrorFailure(str(path), HostError(number, path)))

    def copy_all(self, staging: HostDirectory, known: _Known, copier: Copier) -> _Known:
        """Copy what is not known, and return what is known now."""
        now_known, news = self._compare(staging, known)
        for path, found in news:
            with self._noting(staging, path):
                now_known[path] = self._copy(path, found, known, copier)
        if news:
            with self._noting(staging, _ROOT):
                copier.write_names()
        return now_known

    def _compare(self, staging: HostDirectory, known: _Known) -> tuple[_Known, _News]:
        """Return what is as it was, and what is not, with directories before files."""
        root = staging.stat(_ROOT)
        same: _Known = {_ROOT: version_of(root)} if _ROOT in known else {}
        news: _News = [] if same else [(_ROOT, root)]
        directories = [_ROOT]
        while directories:
            directory = directories.pop()
            with self._noting(staging, directory):
                for entry in staging.readdir(directory):
                    path = directory.child(entry.name)
                    version = version_of(entry.stat)
                    if entry.stat.is_directory:
                        directories.append(path)
                    if known.get(path) == version:
                        same[path] = version
                    else:
                        news.append((path, entry.stat))
        return same, news

    def _copy(
        self, path: GuestPath, found: FileStat, known: _Known, copier: Copier
    ) -> Version:
        if found.is_directory:
            copier.make_directory(path)
            copier.remove_stale_partials(path)
            return version_of(found)
        if path.parts[-1].startswith(PARTIAL_PREFIX):
            raise RequestError(errno.EINVAL, path)
        if not (found.is_file or found.is_symlink):
            raise SpecialFileError(path)
        if path not in known and copier.is_there(path, found):
            return version_of(found)
        copier.make_directory(path.parent)
        version = version_of(found)
        if found.is_symlink:
            copier.copy_link(path)
        else:
            version = copier.copy_file(path)
        self.copied.append(str(path))
        return version

    @contextmanager
    def _noting(self, staging: HostDirectory, path: GuestPath) -> Generator[None]:
        try:
            yield
        except VfsError as error:
            if not _is_gone(staging, path):
                self.failures.append(MirrorFailure(str(path), error))


def _is_gone(staging: HostDirectory, path: GuestPath) -> bool:
    try:
        staging.lstat(path)
    except VfsError as error:
        return error.errno == errno.ENOENT
    return False
