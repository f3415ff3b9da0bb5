"""How many files cells may hold open: what the system gives, shared out."""

import resource

_PER_MOUNT = 1024
"""As many as most systems allow a program by default."""

_OWN = 256
"""Kept for the supervisor: its pipes, sockets and databases."""

_LEAST = 16


def share_out(mounts: int) -> int:
    """Return how many files each mount may keep open.

    The soft limit of this process is raised towards the hard one as far as that needs.

    Args:
        mounts: how many there are.
    """
    wanted = mounts * _PER_MOUNT + _OWN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        # Never lower: whoever has set the limit has a reason for what is there.
        if wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        return max(min(_PER_MOUNT, (soft - _OWN) // mounts), _LEAST)
    return _PER_MOUNT
