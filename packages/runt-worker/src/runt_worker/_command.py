"""The sandbox process: its argument list and environment.

The flags are the boundary between guest code and the host, so this is a pure function
and each right has its reason.
"""

from dataclasses import dataclass
from pathlib import Path

from runt_worker._errors import SetupError


@dataclass(frozen=True, kw_only=True)
class Image:
    """A memory image of a kernel that is ready to start, in a directory of its own.

    Attributes:
        directory: where it is; never written to again.
    """

    directory: Path

    @property
    def memory(self) -> Path:
        """The file that ``deno/image.ts`` reads."""
        return self.directory / "memory"

    @property
    def deno_directory(self) -> Path:
        """A ``DENO_DIR`` that knows our code compiled; processes get copies of it."""
        return self.directory / "deno"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What all sandbox processes of a machine share, read only.

    Attributes:
        deno: the executable.
        assets: our TypeScript and the kernel's Python.
        distribution: Pyodide.
        packages: unpacked packages.
        image: what interpreters start from; None: from nothing.
    """

    deno: Path
    assets: Path
    distribution: Path
    packages: Path
    image: Image | None = None


@dataclass(frozen=True, kw_only=True)
class ProcessPaths:
    """The host paths that a sandbox process sees.

    Attributes:
        installation: what it shares with others.
        run_directory: private to this process: its FIFOs, working directory and
            ``DENO_DIR``; removed with it.
    """

    installation: Installation
    run_directory: Path

    @property
    def control_in(self) -> Path:
        """FIFO from the supervisor to the host thread."""
        return self.run_directory / "control-in"

    @property
    def control_out(self) -> Path:
        """FIFO from the host thread to the supervisor."""
        return self.run_directory / "control-out"

    @property
    def call_request(self) -> Path:
        """FIFO of synchronous calls from the guest thread."""
        return self.run_directory / "call-request"

    @property
    def call_reply(self) -> Path:
        """FIFO of the answers to them."""
        return self.run_directory / "call-reply"

    @property
    def working_directory(self) -> Path:
        """An empty directory."""
        return self.run_directory / "empty"

    @property
    def deno_directory(self) -> Path:
        """Deno's own cache; nothing of it outlives the process."""
        return self.run_directory / "deno"


_SEALED = (
    "run",
    "--quiet",
    "--no-prompt",  # nobody can be asked for a right
    "--no-remote",
    "--no-npm",
    "--cached-only",
    "--no-config",  # the working directory has no say
    "--no-lock",
    "--deny-net",
    "--deny-run",
    "--deny-ffi",
    "--deny-env",
    "--deny-sys",
    "--deny-import",
)
"""What every process of ours is denied."""


def command(paths: ProcessPaths) -> list[str]:
    """Return the argument list of a sandbox process.

    Raises:
        SetupError: a path holds a comma, which separates paths in Deno's flags.
    """
    shared = paths.installation
    allowed_read = [
        shared.assets,  # the code that it runs
        shared.distribution,  # Pyodide
        shared.packages,  # what its imports find
        *([shared.image.memory] if shared.image else []),  # what it starts from
        paths.control_in,  # revoked before the guest exists
        paths.call_reply,  # revoked before user code runs
    ]
    allowed_write = [
        paths.control_out,  # revoked before the guest exists
        paths.call_request,  # revoked before user code runs
    ]
    return [
        str(shared.deno),
        *_SEALED,
        f"--allow-read={_path_list(allowed_read)}",
        f"--allow-write={_path_list(allowed_write)}",
        str(shared.assets / "deno" / "host.ts"),
        str(paths.control_in),
        str(paths.control_out),
        str(shared.distribution),
        str(shared.image.memory) if shared.image else "",
    ]


def compile_command(installation: Installation) -> list[str]:
    """Return the argument list of the process that compiles packages.

    It reads what it compiles and writes to nothing but its standard output.

    Raises:
        SetupError: a path holds a comma, which separates paths in Deno's flags.
    """
    assets = installation.assets
    allowed_read = [assets, installation.distribution, installation.packages]
    return [
        str(installation.deno),
        *_SEALED,
        f"--allow-read={_path_list(allowed_read)}",
        "--deny-write",
        str(assets / "deno" / "compile.ts"),
        str(installation.distribution),
        str(assets / "kernel" / "runt_compile.py"),
    ]


def environment(paths: ProcessPaths) -> dict[str, str]:
    """Return the whole environment of a sandbox process: nothing of the user's."""
    return {"DENO_DIR": str(paths.deno_directory), "DENO_NO_UPDATE_CHECK": "1"}


def _path_list(paths: list[Path]) -> str:
    texts = [str(path) for path in paths]
    for text in texts:
        if "," in text:
            raise SetupError(
                f"the path {text!r} holds a comma, with which Deno separates paths; "
                "install runt, and set its cache directory, where the path has none"
            )
    return ",".join(texts)
