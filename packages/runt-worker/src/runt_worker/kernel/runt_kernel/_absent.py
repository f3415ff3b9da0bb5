"""What the sandbox does not have, among it a shell, processes, threads, a debugger.

Whoever asks for it gets an error that says so, of the type that programs catch
elsewhere, instead of a hang or of the end of the interpreter.
"""

import _thread
import errno
import os
import pdb  # noqa: T100 (to take it away)
import subprocess
import sys
import threading
from typing import NoReturn

import pyodide.webloop

NO_SHELL = "there is no shell in the sandbox: only Python runs here"
NO_PROCESSES = "there are no processes in the sandbox: only this one Python runs here"
NO_THREADS = "can't start new thread: there are no threads in the sandbox"
NO_DEBUGGER = "there is no debugger in the sandbox"

_PROCESS_CALLS = ("fork", "forkpty", "execv", "execve", "posix_spawn", "posix_spawnp")

_MISSING_MODULES = {
    "_curses": "there is no terminal in the sandbox",
    "_interpreters": NO_THREADS.partition(": ")[2],
    "_multiprocessing": NO_PROCESSES,
    "_posixshmem": NO_PROCESSES,
    "_tkinter": "there are no windows in the sandbox",
    "curses": "there is no terminal in the sandbox",
    "readline": "there is no terminal in the sandbox",
    "resource": NO_PROCESSES,
    "tkinter": "there are no windows in the sandbox",
}


def install() -> None:
    """Replace what would hang, end the interpreter or fail without a word."""
    os.system = no_shell
    for name in _PROCESS_CALLS:
        setattr(os, name, no_processes)
    subprocess.Popen.__init__ = no_processes
    pyodide.webloop.WebLoop.subprocess_exec = _no_processes_either
    pyodide.webloop.WebLoop.subprocess_shell = _no_processes_either
    for module, name in [
        (_thread, "start_new_thread"),
        (_thread, "start_new"),
        (_thread, "start_joinable_thread"),
        (threading, "_start_joinable_thread"),
    ]:
        setattr(module, name, no_threads)
    sys.breakpointhook = pdb.set_trace = no_debugger
    # Whatever else leads into a debugger ends up there.
    pdb.Pdb.interaction = no_debugger


def explain(error: BaseException) -> None:
    """Note on an error why a module of the standard library is not there."""
    if isinstance(error, ModuleNotFoundError) and not hasattr(error, "__notes__"):
        reason = _MISSING_MODULES.get(error.name or "")
        if reason is not None:
            error.add_note(reason)


def no_shell(*_: object, **__: object) -> NoReturn:
    """Stand in for what runs a command; ``os.system`` would end the interpreter."""
    raise OSError(NO_SHELL)


def no_processes(*_: object, **__: object) -> NoReturn:
    """Stand in for what starts a process."""
    raise OSError(errno.ENOTSUP, NO_PROCESSES)


async def _no_processes_either(*_: object, **__: object) -> NoReturn:
    no_processes()


def no_threads(*_: object, **__: object) -> NoReturn:
    """Stand in for what starts a thread."""
    raise RuntimeError(NO_THREADS)


def no_browser(*_: object, **__: object) -> NoReturn:
    """Stand in for what opens a page."""
    raise OSError(errno.ENOTSUP, "there is no browser in the sandbox")


def no_debugger(*_: object, **__: object) -> NoReturn:
    """Stand in for what asks for commands."""
    raise RuntimeError(NO_DEBUGGER)
