"""Source to bytecode, inside Pyodide: the host's Python is another version.

Run by ``deno/compile.ts`` in a process that never imports what it compiles.
"""

import importlib.util
import warnings
from importlib import _bootstrap_external


def bytecode_of(source: bytes, guest_path: str) -> bytes | None:
    """Return what a ``.pyc`` holds, or None for what is no Python of this version.

    It is found valid without a look at the source: both belong to one wheel, whose hash
    was checked, and times of change mean nothing to a cache.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, guest_path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    source_hash = importlib.util.source_hash(source)
    data = _bootstrap_external._code_to_hash_pyc(code, source_hash, False)  # noqa: SLF001, FBT003
    return bytes(data)
