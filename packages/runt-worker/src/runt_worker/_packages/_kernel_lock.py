"""IPython and what it needs in the sandbox, pinned in a file of ours."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Self

import msgspec

from ._errors import LockFileError
from ._pins import Pin


class _Document(msgspec.Struct, frozen=True):
    """The file as it is laid out."""

    packages: tuple[Pin, ...]


class KernelLock:
    """The packages that are in every sandbox, whatever the user asks for.

    All are pure wheels of the Python package index. A package that Pyodide's own lock
    has as well is taken from here: it is on the path already when others ask for it.

    Attributes:
        packages: Every pin by canonical name.
    """

    def __init__(self, packages: Mapping[str, Pin]) -> None:
        self.packages = packages

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a kernel lock.

        Args:
            data: The bytes of kernel_lock.json.

        Raises:
            LockFileError: It is no kernel lock.
        """
        try:
            document = msgspec.json.decode(data, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LockFileError(str(error)) from error
        return cls({pin.name: pin for pin in document.packages})

    @classmethod
    def load(cls) -> Self:
        """Read the kernel lock that this version of runt-worker was tested with.

        Raises:
            LockFileError: The installation is damaged.
        """
        return cls.parse(files("runt_worker").joinpath("kernel_lock.json").read_bytes())
