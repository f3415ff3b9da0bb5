"""What a source of packages is, and the one that is a directory."""

from pathlib import Path
from typing import Protocol

from ._errors import PackageSourceError
from ._pins import Pin

_CHUNK_BYTES = 1 << 18


class PackageSink(Protocol):
    """Where a source writes a file; the cache hashes what comes."""

    def expect(self, total_bytes: int | None) -> None:
        """Say how long the file will be.

        Args:
            total_bytes: Its length in bytes, or None if the source cannot tell.
        """
        ...

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the file.

        Args:
            chunk: Bytes in the order of the file.
        """
        ...


class PackageSource(Protocol):
    """A place that may hold package files; used by several threads at once."""

    @property
    def name(self) -> str:
        """How error messages call it."""
        ...

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Write a file into the sink.

        A source does not check the hash: the cache does, for all of them.

        Args:
            pin: The file that is wanted.
            sink: Where its bytes go.

        Returns:
            False if this source does not have the file; nothing was written then.

        Raises:
            PackageSourceError: The source could not be asked, or broke off.
        """
        ...


class DirectorySource:
    """A directory of the user's: a wheelhouse, or a full distribution of Pyodide.

    Args:
        directory: Its files lie directly in it, under their usual names.
        name: How error messages call it; not by its path, since guests read them.
    """

    def __init__(
        self, directory: Path, name: str = "the directory of --packages"
    ) -> None:
        self._directory = directory
        self._name = name

    @property
    def name(self) -> str:
        """The directory."""
        return self._name

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Copy a file out of the directory.

        Args:
            pin: The file that is wanted.
            sink: Where its bytes go.

        Returns:
            False if the directory has no file of that name.

        Raises:
            PackageSourceError: The directory or the file cannot be read.
        """
        if not self._directory.is_dir():
            raise PackageSourceError(self.name, "there is no such directory")
        return FileSource(self._directory / pin.file_name, self._name).fetch(pin, sink)


class FileSource:
    """A single file of the user's, whatever it is called.

    Args:
        path: The file.
        name: How error messages call it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    @property
    def name(self) -> str:
        """The file."""
        return self._name

    def fetch(self, pin: Pin, sink: PackageSink) -> bool:
        """Copy the file.

        Args:
            pin: What it is taken for.
            sink: Where its bytes go.

        Returns:
            False if it is not there.

        Raises:
            PackageSourceError: It cannot be read.
        """
        del pin
        try:
            with self._path.open("rb") as file:
                sink.expect(self._path.stat().st_size)
                while chunk := file.read(_CHUNK_BYTES):
                    sink.write(chunk)
        except FileNotFoundError:
            return False
        except OSError as error:
            reason = error.strerror or str(error)
            raise PackageSourceError(self.name, reason) from error
        return True
