"""Host directories for a sandbox."""

from ._attributes import DirectoryEntry, FileStat, FileSystemStat, OpenedFile
from ._directory import HostDirectory, open_host_directory
from ._errors import (
    DuplicateMountError,
    HostError,
    LeavesMountError,
    LimitError,
    MirrorError,
    MirrorFailure,
    NotMountedError,
    PolicyError,
    ReadOnlyError,
    RequestError,
    SpecialFileError,
    VfsError,
)
from ._guest_path import GuestPath
from ._limits import Limits
from ._listing import Listing
from ._mirror import OutputMirror
from ._mounts import Mount, MountTable
from ._names import HostPath, alias_name, mount_name
from ._operations import MUTATING_FLAGS, MUTATING_OPERATIONS, OpenFlag, Operation

__all__ = [
    "MUTATING_FLAGS",
    "MUTATING_OPERATIONS",
    "DirectoryEntry",
    "DuplicateMountError",
    "FileStat",
    "FileSystemStat",
    "GuestPath",
    "HostDirectory",
    "HostError",
    "HostPath",
    "LeavesMountError",
    "LimitError",
    "Limits",
    "Listing",
    "MirrorError",
    "MirrorFailure",
    "Mount",
    "MountTable",
    "NotMountedError",
    "OpenFlag",
    "OpenedFile",
    "Operation",
    "OutputMirror",
    "PolicyError",
    "ReadOnlyError",
    "RequestError",
    "SpecialFileError",
    "VfsError",
    "alias_name",
    "mount_name",
    "open_host_directory",
]
