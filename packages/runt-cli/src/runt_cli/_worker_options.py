"""What a worker is told of all that the command line said."""

from dataclasses import replace

from runt_cli._host_files import open_host_files
from runt_cli._limit_options import with_limits
from runt_cli._network_options import with_network
from runt_cli._package_options import with_packages
from runt_cli._sandbox_options import SandboxFlags
from runt_worker import WorkerOptions


def worker_options(
    flags: SandboxFlags,
    options: WorkerOptions | None = None,
    *,
    keeps_outputs: bool = True,
) -> WorkerOptions:
    """Return a worker's options with what the flags say; tell of mounts.

    Args:
        flags: What the command line said.
        options: The options without it.
        keeps_outputs: See `with_limits`.

    Raises:
        ConfigurationError: A directory, an address or a limit is of no use.
        RequirementError: A requirements file cannot be read, or makes no sense.
    """
    host = open_host_files(flags.files)
    options = replace(
        options or WorkerOptions(), mounts=host.mounts, output_dir=host.output_dir
    )
    options = with_packages(with_network(options, flags.network), flags.packages)
    return with_limits(options, flags.limits, keeps_outputs=keeps_outputs)
