"""Host directories for a sandbox."""

from ._names import HostPath, alias_name, mount_name

__all__ = ["HostPath", "alias_name", "mount_name"]
