"""What the command line refuses, and how any expected error becomes one sentence.

```
CliError
├── ConfigurationError    the caller: a setting is missing or malformed
├── NotebookFileError     the caller: a file that cannot be read, run or written
└── NoAgentError          nobody executes cells in the notebook
```
"""

from collections.abc import Iterator
from typing import Final, cast

_OUR_PACKAGES: Final = frozenset(
    {"runt_agent", "runt_cli", "runt_protocol", "runt_sync", "runt_vfs", "runt_worker"}
)


class CliError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigurationError(CliError):
    """A setting is missing or malformed; the text names its flag and variable."""


class NotebookFileError(CliError):
    """A notebook or script cannot be read, understood or written."""


class NoAgentError(CliError):
    """No runtime agent is there to execute the cells of a notebook."""


def sentences(error: BaseException) -> list[str] | None:
    """Say an expected error in sentences for its user.

    Expected are the errors that a package of ours or the operating system raised on
    purpose; anything else is a fault of ours and deserves its traceback. A nursery may
    wrap several errors in a group: then all of them have to be expected.

    Args:
        error: What ended a command.

    Returns:
        A sentence each, without repetitions; None if a part of it was not expected.
    """
    found: list[str] = []
    for leaf in _leaves(error):
        sentence = _sentence(leaf)
        if sentence is None:
            return None
        if sentence not in found:
            found.append(sentence)
    return found


def is_interrupt(error: BaseException) -> bool:
    """Tell whether an error is Ctrl-C, alone or in a group with others."""
    return any(isinstance(leaf, KeyboardInterrupt) for leaf in _leaves(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for part in group.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _sentence(error: BaseException) -> str | None:
    # Named by package, not by class: importing the classes would load the packages.
    families = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if not isinstance(error, Exception):
        return None
    if families & _OUR_PACKAGES:
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror or error}"
    return None
