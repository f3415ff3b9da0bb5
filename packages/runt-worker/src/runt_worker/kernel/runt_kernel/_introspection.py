"""Completion, inspection and «is this code complete», as ipykernel answers them."""

import warnings
from typing import Any

from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.tokenutil import token_at_cursor


def complete(shell: InteractiveShell, code: str, cursor_pos: int) -> dict[str, Any]:
    """Return the ``complete_reply`` for the cursor, counted in characters."""
    with provisionalcompleter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = shell.Completer.completions(code, cursor_pos)
        found = list(rectify_completions(code, raw))
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
    except KeyError:
        data = {}
    return {
        "msg_type": "inspect_reply",
        "found": bool(data),
        "data": data,
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
