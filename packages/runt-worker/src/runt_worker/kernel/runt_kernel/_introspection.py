"""Completion, inspection and «is this code complete», as ipykernel answers them.

User code runs in it, where IPython's defaults let it: an object's ``__dir__`` or
``__doc__``. It may take for ever (the supervisor interrupts it) and return anything.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from IPython.core.completer import (
    Completion,
    IPCompleter,
    provisionalcompleter,
    rectify_completions,
)
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.tokenutil import token_at_cursor

from runt_kernel import _packages

_MAX_MATCHES = 1000
"""The supervisor takes no more."""
_MAX_MATCH_CHARACTERS = 1000
"""Nobody chooses a longer completion."""
_MAX_TEXT_CHARACTERS = 1_000_000
"""Of a description: the source of most modules, and far below a frame's size."""

_IMPORTED_NAME = re.compile(
    r"^\s*(?:from|import(?:\s+[\w.]+(?:\s+as\s+\w+)?\s*,)*)\s+(?P<name>\w*)$"
)
_PATH_MAGIC = re.compile(r"^\s*%{1,2}(?:cd|load|ls|run|save|writefile)\s")
_JEDI = "IPCompleter.jedi_matcher"


def answer(shell: InteractiveShell, request: dict[str, Any]) -> dict[str, Any]:
    """Return the content that answers a request.

    Raises:
        Exception: whatever jedi, IPython or an object raised.
        KeyboardInterrupt: it was interrupted, and has found nothing yet.
    """
    code = request["code"]
    cursor_pos = min(max(request.get("cursor_pos", 0), 0), len(code))
    match request["msg_type"]:
        case "complete_request":
            return complete(shell, code, cursor_pos)
        case "inspect_request":
            return inspect(shell, code, cursor_pos, request["detail_level"])
        case "is_complete_request":
            return is_complete(shell, code)
        case unknown:
            raise ValueError(f"unknown request {unknown!r}")


def complete(shell: InteractiveShell, code: str, cursor_pos: int) -> dict[str, Any]:
    """Return the ``complete_reply`` for the cursor, counted in characters."""
    try:
        found = _completions(shell.Completer, code, cursor_pos)
    except KeyboardInterrupt:
        found = []
    start = found[0].start if found else cursor_pos
    end = found[0].end if found else cursor_pos
    kinds = [
        {"start": c.start, "end": c.end, "text": c.text, "type": c.type or ""}
        for c in found
    ]
    return {
        "msg_type": "complete_reply",
        "matches": [c.text for c in found],
        "cursor_start": start,
        "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": kinds},
    }


def inspect(
    shell: InteractiveShell, code: str, cursor_pos: int, detail_level: int
) -> dict[str, Any]:
    """Return the ``inspect_reply`` for the name at the cursor."""
    name = token_at_cursor(code, cursor_pos)
    try:
        data = shell.object_inspect_mime(name, detail_level=detail_level)
    except (KeyError, KeyboardInterrupt):
        data = {}
    return {
        "msg_type": "inspect_reply",
        "found": bool(data),
        "data": {kind: text[:_MAX_TEXT_CHARACTERS] for kind, text in data.items()},
        "metadata": {},
    }


def is_complete(shell: InteractiveShell, code: str) -> dict[str, Any]:
    """Return the ``is_complete_reply``; ``indent`` is the text for the next line."""
    status, spaces = shell.input_transformer_manager.check_complete(code)
    return {
        "msg_type": "is_complete_reply",
        "status": status,
        "indent": " " * (spaces or 0),
    }


def _completions(
    completer: IPCompleter, code: str, cursor_pos: int
) -> list[Completion]:
    """Return completions that all replace the same text, each of them once."""
    line = code[:cursor_pos].rpartition("\n")[2]
    with (
        provisionalcompleter(),
        warnings.catch_warnings(),
        _matchers_for(completer, line),
    ):
        warnings.simplefilter("ignore")
        found = [
            *islice(completer.completions(code, cursor_pos), _MAX_MATCHES),
            *_importable(line, cursor_pos),
        ]
        return _distinct(rectify_completions(code, found))


@contextmanager
def _matchers_for(completer: IPCompleter, line: str) -> Iterator[None]:
    """Leave jedi out where paths stand: it sees an expression behind each slash."""
    disabled = completer.disable_matchers
    if _PATH_MAGIC.match(line):
        completer.disable_matchers = [*disabled, _JEDI]
    try:
        yield
    finally:
        completer.disable_matchers = disabled


def _importable(line: str, cursor_pos: int) -> Iterator[Completion]:
    """Yield what an import would load from Pyodide's packages."""
    match = _IMPORTED_NAME.match(line)
    if match is None:
        return
    name = match["name"]
    for package in _packages.importable():
        if not package.isidentifier():
            continue  # the lock file has some that nobody could write
        if package.startswith(name) and (name or not package.startswith("_")):
            yield Completion(cursor_pos - len(name), cursor_pos, package, type="module")


def _distinct(completions: Iterable[Completion]) -> list[Completion]:
    """Return each text once; jedi and IPython's own matchers may both know it."""
    by_text: dict[str, Completion] = {}
    for completion in completions:
        if len(completion.text) <= _MAX_MATCH_CHARACTERS:
            by_text.setdefault(completion.text, completion)
    return list(by_text.values())[:_MAX_MATCHES]
