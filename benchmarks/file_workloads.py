"""What programs do with files, timed where it runs: natively or in Pyodide.

It is executed as text with ``ROOT``, a directory that `prepare_tree` has made.
"""

import importlib
import os
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Callable
from typing import Any

MIB = 1 << 20


def _timed(work: Callable[[], object], times: int = 3) -> float:
    """Return the seconds of the quickest time."""
    seconds: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _write(path: str, mebibytes: int) -> None:
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        file.writelines(block for _ in range(mebibytes))


def _read(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        while file.read(MIB):
            pass


def _read_at_random(path: str, times: int) -> None:
    size = os.path.getsize(path)
    with open(path, "rb", buffering=0) as file:
        for number in range(times):
            file.seek(number * 7_919_000 % (size - 4096))
            file.read(4096)


def _walk(path: str) -> None:
    for directory, _, names in os.walk(path):
        for name in names:
            os.stat(os.path.join(directory, name))


def _read_small(path: str) -> None:
    for entry in os.scandir(path):
        with open(entry.path, "rb") as file:
            file.read()


def _stat_missing(path: str, times: int) -> None:
    for number in range(times):
        os.path.exists(f"{path}/none{number}")


def _copy_tree(path: str) -> None:
    shutil.copytree(f"{path}/many/7", f"{path}/copied")
    shutil.rmtree(f"{path}/copied")


def _use_sqlite(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)
    with sqlite3.connect(path) as connection:
        connection.execute("create table numbers (number integer, name text)")
        rows = ((number, f"name {number}") for number in range(50_000))
        connection.executemany("insert into numbers values (?, ?)", rows)
        connection.commit()
        connection.execute("create index by_name on numbers (name)")
        connection.execute(
            "select count(*) from numbers where name like '%9'"
        ).fetchone()
    connection.close()


def _use_zip(path: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(200):
            archive.writestr(f"{number}.txt", b"x" * 20_000)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            archive.read(name)


def measure(root: str, mebibytes: int) -> dict[str, float]:
    """Return seconds by workload; files that it makes are removed again."""
    seconds = {
        "sequential write": _timed(lambda: _write(f"{root}/written", mebibytes), 1),
        "sequential read": _timed(lambda: _read(f"{root}/written")),
        "random 4 KiB reads (2,000)": _timed(
            lambda: _read_at_random(f"{root}/written", 2000)
        ),
        "missing stat (2,000)": _timed(lambda: _stat_missing(root, 2000)),
        "walk and stat (10,000 files)": _timed(lambda: _walk(f"{root}/many")),
        "small files read (2,000)": _timed(lambda: _read_small(f"{root}/small")),
        "copytree (100 small files)": _timed(lambda: _copy_tree(root)),
        "sqlite3": _timed(lambda: _use_sqlite(f"{root}/numbers.sqlite")),
        "zipfile": _timed(lambda: _use_zip(f"{root}/archive.zip")),
    }
    for name in ("written", "numbers.sqlite", "archive.zip"):
        os.remove(f"{root}/{name}")
    return seconds


def measure_pandas(root: str) -> dict[str, float]:
    """Return seconds for reading a large CSV file, pandas' import left out."""
    pandas: Any = importlib.import_module("pandas")  # only the sandbox has it
    return {"pandas.read_csv": _timed(lambda: pandas.read_csv(f"{root}/table.csv"), 1)}
