"""Every limit of this package in one place, each with its unit and its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a mount accepts from a guest, and how much it gives at once.

    Attributes:
        max_path_bytes: Length of a guest path. Twice what Linux takes in one call, so
            that a mount name (as long as its host path) fits before a longest path;
            what the host finds too long it says itself.
        max_components: Names in a guest path. No host takes more than fit into 4,096
            bytes.
        max_links: Symlinks that one resolution follows, as Linux counts them.
        max_open_files: Handles that one mount keeps open. Half of the 1,024 that most
            systems allow a process, so that a guest cannot starve its supervisor.
        max_io_bytes: Bytes of one read or write. More is done in part, as POSIX allows;
            it bounds the memory that one call can take.
        max_directory_entries: Names in one listing, which is held in memory as a whole.
        max_target_bytes: Length of a symlink's target, as Linux has it.
        max_races: Times an operation starts anew because the tree changed under it.
            Enough for any accident, few enough to end an attack.
        copy_chunk_bytes: Bytes that the output mirror moves at once.
        max_copy_attempts: Times the mirror copies a file that changes while it is read.
        settle_ms: Age in milliseconds that a change must have before the mirror reads a
            file; timestamps are no finer than a tick (10 ms at 100 Hz), and a write
            within the tick of the last look would not show.
        stale_partial_s: Seconds without a write after which the temporary file of a
            mirror that has died is removed.
        max_named_failures: Files that the text of a `MirrorError` names.
    """

    max_path_bytes: int = 8192
    max_components: int = 2048
    max_links: int = 40
    max_open_files: int = 512
    max_io_bytes: int = 8 * 1024 * 1024
    max_directory_entries: int = 1_000_000
    max_target_bytes: int = 4095
    max_races: int = 64
    copy_chunk_bytes: int = 1024 * 1024
    max_copy_attempts: int = 3
    settle_ms: int = 10
    stale_partial_s: int = 600
    max_named_failures: int = 10


DEFAULT_LIMITS = Limits()
