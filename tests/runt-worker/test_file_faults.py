"""What can go wrong with files while a cell uses them: it hears the right OSError.

A disk that is full, a file system that goes away and rights that are lost need a
process of their own, with a name space or without capabilities; none needs to be root.
"""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from runt_worker import HostMount, WorkerDiedError, WorkerOptions
from runt_worker.testing import SharedWorker, shared_worker

TIMEOUT_S = 120
LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="name spaces and capabilities are Linux's"
)

HOST = """
import os, resource, subprocess, sys
from pathlib import Path
from runt_worker import HostMount, WorkerOptions
from runt_worker.testing import shared_worker

data, output = Path(sys.argv[1]), Path(sys.argv[2])
options = WorkerOptions(
    mounts=(HostMount(host_path=data, allow_writes=True),), output_dir=output
)

def run(code):
    ran = sandbox.run(code)
    print(ran.status, ran.text(), end="|")

with shared_worker(options) as sandbox:
    sandbox.run(
        "import errno, os; M = '/mnt/' + os.listdir('/mnt')[0]; os.chdir(M)"
    )
"""

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    return data


@pytest.fixture
def sandbox(data: Path, tmp_path: Path) -> Generator[SharedWorker]:
    mount = HostMount(host_path=data, allow_writes=True)
    options = WorkerOptions(mounts=(mount,), output_dir=tmp_path / "output")
    with shared_worker(options) as sandbox:
        sandbox.run("import os; M = '/mnt/' + os.listdir('/mnt')[0]; os.chdir(M)")
        yield sandbox


def host(
    steps: str,
    data: Path,
    *,
    before: str = "",
    preexec: Callable[[], None] | None = None,
) -> list[str]:
    """Run a worker and steps of the host in a process of their own.

    Args:
        steps: Python that follows `HOST`, inside its block.
        data: what is mounted.
        before: shell commands in a user and mount name space of its own.
        preexec: what the process does first.
    """
    program = HOST + textwrap.indent(textwrap.dedent(steps), "    ")
    command = [sys.executable, "-c", program, str(data), str(data.parent / "output")]
    if before:
        shell = f'{before} && exec "$@"'
        command = ["unshare", "-Urm", "sh", "-c", shell, "sh", *command]
    finished = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
        preexec_fn=preexec,
    )
    return finished.stdout.strip("|").split("|")


def has_name_spaces() -> bool:
    command = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


MEANS = [True, False] if has_name_spaces() else [False]
"""Whether a file system of its own can be had; the second best works everywhere."""


@LINUX
@pytest.mark.parametrize("is_full_disk", MEANS)
def test_a_full_disk(data: Path, is_full_disk: bool) -> None:  # noqa: FBT001 - a parameter of the test
    fill = """
        if not {is_full_disk}:
            # Where no file system can be mounted, the largest file ends as early.
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        run('''
            try:
                with open("large", "wb") as file:
                    for _ in range(64): file.write(bytes(1 << 16))
            except OSError as error: print(errno.errorcode[error.errno])
        ''')
        run("os.remove('large'); open('small', 'w').write('x' * 9); print('on')")
        run("print(open('small').read())")
        run("left = open('left', 'wb'); left.write(bytes(1 << 21)); left.raw")
    """
    fill = fill.format(is_full_disk=is_full_disk)
    mount = f"mount -t tmpfs -o size=1m tmpfs {data}" if is_full_disk else ""
    answers = host(fill, data, before=mount)
    expected = "ENOSPC" if is_full_disk else "EFBIG"
    assert answers[:3] == [f"ok {expected}\n", "ok on\n", f"ok {'x' * 9}\n"]
    assert answers[3].startswith("OSError")


@LINUX
@pytest.mark.parametrize("is_mounted", MEANS)
def test_a_file_system_that_is_unmounted(data: Path, is_mounted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    if not is_mounted:
        # The same to the worker: what it holds has lost its name.
        before, leave = "", f"os.rename({str(data)!r}, {str(data) + '-moved'!r})"
    else:
        before = f"mount -t tmpfs tmpfs {data}"
        leave = f"subprocess.run(['umount', '-l', {str(data)!r}], check=True)"
    answers = host(
        f"""
        run("kept = open('kept', 'w+'); kept.write('before')")
        {leave}
        run("kept.seek(0); print(kept.read())")
        run("print(os.listdir(M), open('kept').read())")
        run("print(6 * 7)")
        """,
        data,
        before=before,
    )
    # The directory is held, not its name: what is mounted stays what it was.
    assert answers[1:] == ["ok before\n", "ok ['kept'] before\n", "ok 42\n"]
    assert not data.exists() or list(data.iterdir()) == []


@LINUX
def test_rights_that_are_lost(data: Path) -> None:
    libc = ctypes.CDLL(None)

    def obey_permissions() -> None:
        if os.geteuid() == 0:
            for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    (data / "inner").mkdir()
    (data / "inner" / "file").write_text("text")
    answers = host(
        """
        run("held = open('inner/file'); print(held.read(2))")
        (data / "inner").chmod(0)
        run("print(held.read())")
        run("open('inner/file')")
        run("os.listdir('inner')")
        (data / "inner").chmod(0o500)
        run("open('inner/new', 'w')")
        (data / "inner" / "file").chmod(0)
        run("open('inner/file')")
        (data / "inner").chmod(0o700)
        (data / "inner" / "file").chmod(0o600)
        run("print(open('inner/file').read())")
        """,
        data,
        preexec=obey_permissions,
    )
    assert answers == [
        "ok te\n",
        "ok xt\n",
        "PermissionError ",
        "PermissionError ",
        "PermissionError ",
        "PermissionError ",
        "ok text\n",
    ]


def test_a_mounted_directory_is_deleted(sandbox: SharedWorker, data: Path) -> None:
    sandbox.run("held = open('held', 'w+'); held.write('held')")
    shutil.rmtree(data)
    ran = sandbox.run("held.seek(0); print(held.read()); held.close()")
    assert ran.text() == "held\n"
    for code in ("open('held')", "open('new', 'w')", "os.stat('held')"):
        assert sandbox.run(code).status == "FileNotFoundError"
    assert sandbox.run("print(6 * 7)").text() == "42\n"


def test_a_thousand_open_files(sandbox: SharedWorker, data: Path) -> None:
    opening = """
import errno
files = [open(f"open{n}", "w+") for n in range(1000)]
for n, file in enumerate(files): file.write(str(n))
for file in files: file.seek(0)
print(sum(int(file.read()) for file in files))
try:
    more = [open(f"more{n}", "w") for n in range(100)]
except OSError as error: print(errno.errorcode[error.errno])
"""
    assert sandbox.run(opening).text() == f"{sum(range(1000))}\nEMFILE\n"
    sandbox.run("[file.close() for file in files]; files = more = None")
    sandbox.run("for file in os.listdir(M): os.remove(file)")
    assert list(data.iterdir()) == []
    assert sandbox.run("open('again', 'w').write('x')").status == "ok"


def test_files_of_a_killed_cell_are_closed(sandbox: SharedWorker, data: Path) -> None:
    def held() -> int:
        targets: list[str] = []
        for descriptor in Path("/dev/fd").iterdir():
            try:
                targets.append(str(descriptor.readlink()))
            except OSError:
                continue
        return sum(target.startswith(str(data)) for target in targets)

    before = held()
    with pytest.raises(WorkerDiedError):
        sandbox.run("files = [open(f'{n}', 'w') for n in range(200)]; os._exit(1)")
    assert sandbox.run("1").status == "ok"
    assert held() == before


def test_a_cell_that_is_killed_while_it_writes(
    sandbox: SharedWorker, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    sandbox.run("open('/outputs/result', 'wb').write(b'old ' * 100_000)")
    assert (output / "result").read_bytes() == b"old " * 100_000
    with pytest.raises(WorkerDiedError):
        sandbox.run("""
journal, table = open(M + '/journal', 'wb'), open(M + '/table', 'wb')
result = open('/outputs/result', 'wb', buffering=0)
for n in range(1, 200):
    journal.write(bytes([n]) * 8192); journal.flush()
    table.write(bytes([n]) * 8192); table.flush()
    result.write(bytes([n]) * 65536)
    if n == 150: os._exit(1)
""")
    # What is there was written, from the beginning and without a gap.
    result = (output / "result").read_bytes()
    written = b"".join(bytes([n]) * 65536 for n in range(1, 151))
    assert written.startswith(result)
    assert b"old" not in result
    # And in the order in which it was: a journal is not behind its table.
    journal, table = (data / name for name in ("journal", "table"))
    assert journal.stat().st_size >= table.stat().st_size >= 140 * 8192
    assert sandbox.run("print(6 * 7)").text() == "42\n"
    assert [path.name for path in output.iterdir()] == ["result"]


def test_an_interrupted_write_leaves_what_was_written(
    sandbox: SharedWorker, data: Path
) -> None:
    ran = sandbox.run(
        "with open(M + '/log', 'wb') as log:\n"
        "    while True:\n"
        "        log.write(b'line\\n' * 10)\n"
        "        if log.tell() > 50_000_000: log.seek(0)",
        interrupt_after_s=0.5,
    )
    assert ran.status == "KeyboardInterrupt"
    text = (data / "log").read_bytes()
    assert text
    assert set(text.splitlines()) == {b"line"}


def test_errors_have_the_numbers_of_the_guest(sandbox: SharedWorker) -> None:
    code = "try: os.rmdir('.')\nexcept OSError as error: print(error.errno)"
    ran = sandbox.run(f"import errno\n{code}\nprint(errno.EBUSY, errno.EINVAL)")
    number, busy, invalid = ran.text().split()
    assert number in (busy, invalid)
    assert int(busy) != errno.EBUSY
