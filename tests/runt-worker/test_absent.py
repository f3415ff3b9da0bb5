"""What the sandbox does not have says so, in a real sandbox."""

import re

import pytest

from runt_worker import Error, ExecuteResult
from runt_worker.testing import SharedWorker

PROCESSES = "OSError", "there are no processes in the sandbox"
THREADS = (
    "RuntimeError",
    "can't start new thread: there are no threads in the sandbox",
)
DEBUGGER = "RuntimeError", "there is no debugger in the sandbox"
BROWSER = "OSError", "there is no browser in the sandbox"

REFUSED = {
    "import subprocess; subprocess.run(['ls'])": PROCESSES,
    "import subprocess; subprocess.check_output('ls', shell=True)": PROCESSES,
    "import os; os.popen('ls')": PROCESSES,
    "import os; os.fork()": PROCESSES,
    "import os; os.execv('/bin/ls', ['ls'])": PROCESSES,
    "import os; os.spawnlp(os.P_WAIT, 'ls', 'ls')": PROCESSES,
    "import asyncio; await asyncio.create_subprocess_exec('ls')": PROCESSES,
    "import asyncio; await asyncio.create_subprocess_shell('ls')": PROCESSES,
    "import multiprocessing; multiprocessing.Process(target=print).start()": PROCESSES,
    "import multiprocessing; multiprocessing.Pool(2)": PROCESSES,
    "import multiprocessing; multiprocessing.Queue()": PROCESSES,
    "from multiprocessing.pool import ThreadPool; ThreadPool(2)": PROCESSES,
    "from concurrent.futures import ProcessPoolExecutor; ProcessPoolExecutor()": (
        "NotImplementedError",
        "there are no processes in the sandbox",
    ),
    "import threading; threading.Thread(target=print).start()": THREADS,
    "import threading; threading.Timer(1, print).start()": THREADS,
    "import _thread; _thread.start_new_thread(print, ())": THREADS,
    "from concurrent.futures import *; ThreadPoolExecutor().submit(print)": THREADS,
    "breakpoint()": DEBUGGER,
    "import pdb; pdb.set_trace()": DEBUGGER,
    "import pdb; pdb.run('1')": DEBUGGER,
    "import pdb\ntry: 1 / 0\nexcept Exception as e: pdb.post_mortem(e)": DEBUGGER,
    "import webbrowser; webbrowser.open('x:')": BROWSER,
}


@pytest.mark.parametrize("code", REFUSED)
def test_an_error_says_what_is_not_there(sandbox: SharedWorker, code: str) -> None:
    ename, text = REFUSED[code]
    ran = sandbox.run(code)
    [error] = ran.of_type(Error)
    assert (ran.status, error.ename) == (ename, ename)
    assert text in error.evalue
    assert ran.text("stderr") == ""
    assert "runt_kernel" not in "\n".join(error.traceback)


def test_programs_that_can_do_without_processes_still_can(
    sandbox: SharedWorker,
) -> None:
    code = """
from importlib.util import find_spec
from concurrent.futures import ProcessPoolExecutor
caught = []
for attempt in [
    lambda: __import__("multiprocessing").Queue(),
    lambda: __import__("subprocess").run("x"),
    ProcessPoolExecutor,
]:
    try:
        attempt()
    except (OSError, NotImplementedError) as error:
        caught.append(type(error).__name__)
caught, find_spec("tkinter"), await asyncio.to_thread(len, "four")
"""
    [result] = sandbox.run("import asyncio" + code).of_type(ExecuteResult)
    assert result.data["text/plain"] == (
        "(['OSError', 'OSError', 'NotImplementedError'], None, 4)"
    )


def test_a_module_that_cannot_be_there_is_explained(sandbox: SharedWorker) -> None:
    [error] = sandbox.run("import tkinter").of_type(Error)
    assert error.evalue == "No module named 'tkinter'"
    assert "there are no windows in the sandbox" in "\n".join(error.traceback)


def test_an_error_of_the_standard_library_shows_the_line_that_raised(
    sandbox: SharedWorker,
) -> None:
    # Thread.start raises inside a try, whose handler is further below.
    [error] = sandbox.run(
        "import threading; threading.Thread(target=print).start()"
    ).of_type(Error)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    assert re.search(r"^-+> \d+ +_start_joinable_thread\(", plain, re.MULTILINE)


def test_a_chain_of_errors_shows_no_frame_of_ours(sandbox: SharedWorker) -> None:
    code = """
import os
try:
    os.system("ls")
except OSError as error:
    raise ValueError("above") from error
"""
    [error] = sandbox.run(code).of_type(Error)
    traceback = "\n".join(error.traceback)
    assert "there is no shell in the sandbox" in traceback
    assert "runt_kernel" not in traceback
