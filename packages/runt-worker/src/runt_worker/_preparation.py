"""Puts on disk whatever a worker needs and is not there yet."""

import logging
from collections.abc import Callable
from dataclasses import replace

from runt_worker._command import Installation
from runt_worker._distribution import (
    ASSETS,
    deno_executable,
    find_distribution,
    install_distribution,
)
from runt_worker._errors import SetupError
from runt_worker._image import image_place, is_whole, mark_used
from runt_worker._image_making import ensure_image
from runt_worker._options import Assets, WorkerOptions
from runt_worker._packages import (
    InstalledPackage,
    OnProgress,
    PackageProgress,
    PackageStore,
    open_package_store,
)

_log = logging.getLogger(__name__)

OnSetup = Callable[[str], None]
"""Called with one line about what is being done."""


def prepare(options: WorkerOptions, on_progress: OnSetup | None = None) -> Assets:
    """Fetch and make whatever a worker needs and is not on disk yet. Blocks.

    Args:
        options: where things are kept and where they come from.
        on_progress: told what is being done, from several threads.

    Raises:
        SetupError: Pyodide cannot be had.
        PackageError: a package cannot be had.
        RequirementError: a requirement makes no sense, or wants another Python.
        ResolutionError: no set of packages satisfies the requirements.
    """
    tell = on_progress or _say_nothing
    if find_distribution(options.cache_dir) is None:
        tell("Fetching Pyodide")
    distribution = install_distribution(options.cache_dir)
    store = open_package_store(
        pyodide_dir=distribution,
        cache_dir=options.cache_dir,
        packages_dir=options.packages_dir,
        mirror_url=options.mirror_url,
    )

    def on_bytes(progress: PackageProgress) -> None:
        tell(f"Fetching {progress.name}")

    kernel = store.ensure_kernel(on_bytes)
    assets = Assets(
        installation=Installation(
            deno=deno_executable(),
            assets=ASSETS,
            distribution=distribution,
            packages=options.cache_dir / "unpacked",
        ),
        kernel_packages=(
            ASSETS / "kernel",
            *(path for package in kernel for path in package.paths),
        ),
        kernel=kernel,
        requested=_install_requested(options, store, kernel, on_bytes),
        packages=store,
    )
    return _with_image(assets, options, tell) if options.use_image else assets


def _install_requested(
    options: WorkerOptions,
    store: PackageStore,
    kernel: tuple[InstalledPackage, ...],
    on_bytes: OnProgress,
) -> tuple[InstalledPackage, ...]:
    if not (options.requirements or options.requires_python):
        return ()
    # Late: it takes 0.1 s to import, and most workers have no requirements.
    from runt_worker._packages._installation import (  # noqa: PLC0415
        Installer,
        Present,
        check_python,
        request_of_lines,
    )

    check_python(options.requires_python)
    request = request_of_lines(options.requirements, options.constraints)
    present = {it.name: Present(it.version, it.path) for it in kernel}
    installer = Installer(store)
    return installer.provide(installer.plan(request, present), on_progress=on_bytes)[1]


def _with_image(assets: Assets, options: WorkerOptions, tell: OnSetup) -> Assets:
    image = image_place(options.cache_dir, assets.installation)
    if not is_whole(image):
        tell("Preparing a Python that starts fast (once)")
        try:
            image = ensure_image(options.cache_dir, assets, options.limits)
        except SetupError as error:
            _log.warning("Python will start slowly: %s", error)
            return assets
    mark_used(image)
    return replace(assets, installation=replace(assets.installation, image=image))


def _say_nothing(_line: str) -> None:
    pass
