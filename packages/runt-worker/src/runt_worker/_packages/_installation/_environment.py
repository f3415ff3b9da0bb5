"""The Python that packages have to fit: markers, wheel tags, version."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from runt_worker._packages._errors import RequirementError

PYTHON_VERSION = "3.14.2"
"""What ``sys.version_info`` says in the sandbox; Pyodide's lock says 3.14.0."""

_EMSCRIPTEN_VERSION = "5.0.3"


@dataclass(frozen=True, kw_only=True)
class SandboxEnvironment:
    """What a wheel and its requirements are judged by.

    Attributes:
        abi_version: The binary interface of compiled wheels, from Pyodide's lock.

    Source: PEP 508 and PEP 783; a test compares all of it with the sandbox itself.
    """

    abi_version: str
    _ranks: dict[Tag, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranks = {tag: rank for rank, tag in enumerate(self._tags())}
        object.__setattr__(self, "_ranks", ranks)

    def matches(self, marker: Marker | None, extra: str = "") -> bool:
        """Say whether a requirement with this marker counts in the sandbox.

        Args:
            marker: What stands behind the semicolon.
            extra: The extra that is asked for, or "" for none.
        """
        return marker is None or marker.evaluate({**MARKERS, "extra": extra})

    def accepts_python(self, requires_python: str | None) -> bool:
        """Say whether the sandbox's Python is one of those that a package takes.

        Args:
            requires_python: A version specifier; what cannot be read excludes nothing.
        """
        try:
            wanted = SpecifierSet(requires_python or "")
        except InvalidSpecifier:
            return True
        return wanted.contains(PYTHON_VERSION, prereleases=True)

    def wheel_rank(self, file_name: str) -> int | None:
        """Return how well a wheel fits (0 is best), or None if it does not.

        Args:
            file_name: The wheel's.
        """
        try:
            tags = parse_wheel_filename(file_name)[3]
        except InvalidWheelFilename:
            return None
        ranks = [self._ranks[tag] for tag in tags if tag in self._ranks]
        return min(ranks, default=None)

    def _tags(self) -> Iterator[Tag]:
        platforms = [
            f"pyodide_{self.abi_version}_wasm32",
            f"pyemscripten_{self.abi_version}_wasm32",
            f"emscripten_{_EMSCRIPTEN_VERSION.replace('.', '_')}_wasm32",
        ]
        python = tuple(int(part) for part in PYTHON_VERSION.split(".")[:2])
        interpreter = f"cp{python[0]}{python[1]}"
        yield from cpython_tags(python, abis=[interpreter], platforms=platforms)
        yield from compatible_tags(python, interpreter, platforms)


def check_python(requires_python: str) -> None:
    """Refuse what wants another Python than the sandbox has.

    Args:
        requires_python: A version specifier, e.g. ``>=3.12``; "" takes any.

    Raises:
        RequirementError: It is none, or the sandbox's Python is not in it.
    """
    try:
        wanted = SpecifierSet(requires_python)
    except InvalidSpecifier as error:
        reason = "this is no specifier of versions, such as >=3.12"
        raise RequirementError(f"requires-python = {requires_python}", reason) from (
            error
        )
    if not wanted.contains(PYTHON_VERSION, prereleases=True):
        reason = f"the sandbox has Python {PYTHON_VERSION}"
        raise RequirementError(f"requires-python = {requires_python}", reason)


MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": PYTHON_VERSION,
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": _EMSCRIPTEN_VERSION,
    "platform_system": "Emscripten",
    "platform_version": "#1",
    "python_full_version": PYTHON_VERSION,
    "python_version": PYTHON_VERSION.rpartition(".")[0],
    "sys_platform": "emscripten",
}
