"""Which symlinks a guest may make: those that can never lead out of the mount.

A host program that follows a link knows no mount, so a link that leaves it would lead
that program astray. What a link means must therefore not change later on: its target is
some `..` and then plain names, and it stays inside where its directory is at least that
deep. A `..` behind a name would climb from wherever that name leads by then.
"""

import errno

from ._errors import LeavesMountError, LimitError, RequestError
from ._guest_path import encode_name
from ._limits import Limits


def check_target(text: str, limits: Limits) -> bytes:
    """Return the target of a new symlink as the host spells it.

    Args:
        text: The target.
        limits: How long it may be.

    Raises:
        RequestError: ENOENT for an empty target, EINVAL for a NUL, EILSEQ for what no
            file name can spell.
        LimitError: ENAMETOOLONG.
        LeavesMountError: It is absolute, or has a `..` behind a name.
    """
    target = encode_name(text)
    if not target:
        raise RequestError(errno.ENOENT)
    if b"\0" in target:
        raise RequestError(errno.EINVAL)
    if len(target) > limits.max_target_bytes:
        raise LimitError(errno.ENAMETOOLONG, "This target is too long")
    if target.startswith(b"/") or b".." in _names(target)[climb_of(target) :]:
        raise LeavesMountError
    return target


def climb_of(target: bytes) -> int:
    """Return how many directories a relative target climbs before it descends.

    Args:
        target: The target of a symlink. An absolute one climbs none: wherever it is
            moved, it means the same.
    """
    if target.startswith(b"/"):
        return 0
    names = _names(target)
    return next((i for i, name in enumerate(names) if name != b".."), len(names))


def _names(target: bytes) -> list[bytes]:
    return [name for name in target.split(b"/") if name not in (b"", b".")]
