"""The package cache as its user sees it: list, add, fetch, prune."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runt_worker._bytecode import BytecodeCompiler, is_compiled
from runt_worker._cache_use import sole_cache_use
from runt_worker._command import Installation
from runt_worker._distribution import ASSETS, deno_executable, install_distribution
from runt_worker._options import WorkerOptions
from runt_worker._packages import (
    CachedFile,
    InstalledPackage,
    PackageProgress,
    Pin,
    RequirementError,
    hash_of,
    open_package_store,
    remove_leftovers,
    remove_unpacked,
    remove_wheels,
)

_LEFTOVER_AGE_S = 3600.0
"""No download or unpacking takes longer."""

OnFetch = Callable[[str], None]
"""Called with one line about what is being done."""


@dataclass(frozen=True, kw_only=True)
class CachedPackage:
    """A package in the cache.

    Attributes:
        name: Its name, as its file spells it.
        version: Its version.
        size_bytes: The size of its file.
        source: Why it is there, or who delivered it.
    """

    name: str
    version: str
    size_bytes: int
    source: str


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What pruning did.

    Attributes:
        freed_bytes: How much less lies on the disk.
        is_in_use: Whether unpacked packages were left, since workers read them.
    """

    freed_bytes: int
    is_in_use: bool


class PackageManager:
    """Manages the packages of one cache directory. Blocks.

    Args:
        options: Where things are kept and where they come from.

    Raises:
        SetupError: Deno or Pyodide cannot be had.
        LockFileError: This installation is damaged.
    """

    def __init__(self, options: WorkerOptions) -> None:
        distribution = install_distribution(options.cache_dir)
        self._cache_dir = options.cache_dir
        self._installation = Installation(
            deno=deno_executable(),
            assets=ASSETS,
            distribution=distribution,
            packages=options.cache_dir / "unpacked",
        )
        self._store = open_package_store(
            pyodide_dir=distribution,
            cache_dir=options.cache_dir,
            packages_dir=options.packages_dir,
            mirror_url=options.mirror_url,
        )
        self._pyodide = {it.sha256 for it in self._store.lock.packages.values()}
        self._kernel = {it.sha256 for it in self._store.kernel_lock.packages.values()}

    def packages(self) -> list[CachedPackage]:
        """Return what is in the cache, by name.

        Raises:
            PackageCacheError: It cannot be read.
        """
        found: list[CachedPackage] = []
        for file in self._store.cache.files():
            name, _, rest = file.file_name.partition("-")
            version = rest.partition("-")[0].removesuffix(".zip").removesuffix(".tar")
            found.append(
                CachedPackage(
                    name=name,
                    version=version,
                    size_bytes=file.size_bytes,
                    source=self._source(file),
                )
            )
        return found

    def add(self, path: Path) -> list[str]:
        """Take a file, or all wheels of a directory, into the cache.

        Args:
            path: What Pyodide's lock names, or a wheel that fits the sandbox.

        Returns:
            The file names of what is there now.

        Raises:
            RequirementError: It is neither, or not there.
            ArchiveError: It is broken or hostile.
            PackageCacheError: The cache cannot be written.
        """
        if path.is_dir():
            inside = sorted(it for it in path.iterdir() if it.suffix == ".whl")
            if not inside:
                raise RequirementError(str(path), "there is no wheel in it")
            return [name for it in inside for name in self.add(it)]
        pin = self._pin_of(path)
        self._store.cache.add(path, pin)
        # What cannot be unpacked is better known now.
        self._store.cache.unpack(pin)
        return [pin.file_name]

    def fetch(
        self,
        requirements: Iterable[str],
        on_progress: OnFetch = lambda _: None,
    ) -> list[tuple[str, str]]:
        """Fetch packages with all they need, and compile them.

        Args:
            requirements: As in ``pip install``.
            on_progress: Told what is being done, from several threads.

        Returns:
            Names and versions of what was asked for and all that it needs.

        Raises:
            RequirementError: A requirement makes no sense.
            ResolutionError: No set of packages satisfies them.
            PackageUnavailableError: No source delivered one of them.
            HashMismatchError: A source delivered something else.
            PackageError: The cache or an archive is at fault.
            SetupError: They could not be compiled.
        """
        # Late: it takes 0.1 s to import.
        from runt_worker._packages._installation import (  # noqa: PLC0415
            Installer,
            InstallRequest,
            Present,
        )

        def on_bytes(progress: PackageProgress) -> None:
            on_progress(f"Fetching {progress.name}")

        kernel = self._store.ensure_kernel(on_bytes)
        present = {it.name: Present(it.version, it.path) for it in kernel}
        installer = Installer(self._store)
        plan = installer.plan(InstallRequest.parse([*requirements]), present)
        _, installed = installer.provide(plan, on_progress=on_bytes)
        self._compile(installed, on_progress)
        satisfied = [(name, version) for name, version in plan.satisfied]
        return sorted([*satisfied, *((it.name, it.version) for it in installed)])

    def prune(self, *, everything: bool = False) -> Pruned:
        """Remove what is of no use any more.

        That is what processes that died have left half-made, and packages that were
        fetched because a lock named them, and no lock does any more.

        Args:
            everything: Remove all packages.

        Raises:
            PackageCacheError: The cache cannot be read.
            OSError: It cannot be written.
        """
        cache = self._store.cache
        freed = remove_leftovers(cache, _LEFTOVER_AGE_S)
        freed += remove_wheels(
            cache, lambda file: not everything and self._is_wanted(file)
        )
        with sole_cache_use(self._cache_dir) as is_sole:
            if is_sole:
                kept = {file.sha256 for file in cache.files()}
                freed += remove_unpacked(cache, kept)
        return Pruned(freed_bytes=freed, is_in_use=not is_sole)

    def _is_wanted(self, file: CachedFile) -> bool:
        known = file.sha256 in self._pyodide or file.sha256 in self._kernel
        return known or file.source != ""

    def _source(self, file: CachedFile) -> str:
        if file.sha256 in self._kernel:
            return "part of every sandbox"
        if file.sha256 in self._pyodide:
            return "Pyodide"
        return file.source or "of no use any more"

    def _pin_of(self, path: Path) -> Pin:
        from runt_worker._packages._installation import (  # noqa: PLC0415 - see fetch
            Origin,
            SandboxEnvironment,
            metadata_of_wheel,
            wheel_candidate,
        )

        try:
            sha256 = hash_of(path)
        except OSError as error:
            raise RequirementError(str(path), error.strerror or str(error)) from error
        store = self._store
        for pin in (
            *store.lock.packages.values(),
            *store.kernel_lock.packages.values(),
        ):
            if pin.sha256 == sha256:
                return pin
        environment = SandboxEnvironment(abi_version=store.lock.abi_version)
        candidate = wheel_candidate(
            environment,
            file_name=path.name,
            sha256=sha256,
            origin=Origin.CACHE,
            size_bytes=None,
        )
        if candidate is None or candidate.pin is None:
            reason = (
                "it is neither a file of Pyodide's nor a wheel for the sandbox, which "
                "takes pure wheels (py3-none-any) and those for "
                f"pyemscripten_{store.lock.abi_version}_wasm32"
            )
            raise RequirementError(str(path), reason)
        metadata_of_wheel(path)
        return candidate.pin

    def _compile(
        self, packages: Sequence[InstalledPackage], on_progress: OnFetch
    ) -> None:
        if not all(is_compiled(it) for it in packages):
            on_progress("Compiling, which makes imports faster")
        BytecodeCompiler(self._installation).compile(packages)


def read_requirements(paths: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Read requirements files of the host, and those that they include.

    Args:
        paths: The files.

    Returns:
        The lines of requirements and of constraints.

    Raises:
        RequirementError: One cannot be read, or makes no sense.
    """
    from runt_worker._packages._installation import (  # noqa: PLC0415 - see fetch
        parse_requirements_file,
    )

    requirements: list[str] = []
    constraints: list[str] = []
    waiting = [(path, False) for path in paths]
    seen: set[Path] = set()
    while waiting:
        path, is_constraint = waiting.pop(0)
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        try:
            found = parse_requirements_file(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise RequirementError(
                str(path), f"it cannot be read: {_words(error)}"
            ) from error
        except RequirementError as error:
            raise RequirementError(f"{path}: {error.requirement}", error.reason) from (
                None
            )
        for wheel in found.wheels:
            reason = "put it into the cache first: runt packages add PATH"
            raise RequirementError(f"{path}: {wheel}", reason)
        lines = constraints if is_constraint else requirements
        lines += ["--pre"] * found.pre + _with_hashes(found.requirements, found.hashes)
        waiting += [(path.parent / it, is_constraint) for it in found.includes]
        waiting += [(path.parent / it, True) for it in found.constraints]
    return requirements, constraints


def _words(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _with_hashes(requirements: list[str], hashes: dict[str, list[str]]) -> list[str]:
    from packaging.requirements import Requirement  # noqa: PLC0415 - see fetch

    lines: list[str] = []
    for text in requirements:
        sums = hashes.get(Requirement(text).name, [])
        lines.append(text + "".join(f" --hash=sha256:{it}" for it in sums))
    return lines
