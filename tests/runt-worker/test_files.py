"""Files of mounts in the real sandbox work as on a normal disk."""

import shutil
import textwrap
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from runt_vfs import alias_name
from runt_worker import CompleteReply, HostMount, WorkerDiedError, WorkerOptions
from runt_worker.testing import SharedWorker, shared_worker

PREPARED = """
import glob, importlib, io, mmap, os, pathlib, shutil, sqlite3, sys, tempfile, zipfile
M = "/mnt/" + [n for n in os.listdir("/mnt") if n.endswith("_data")][0]
os.chdir(M)
"""

CELLS = {
    "modes": """
        open("m", "w").write("abc"); open("m", "a").write("def")
        with open("m", "r+") as f: f.seek(1); f.write("X"); f.seek(0, 2); f.write("!")
        with open("m", "w+b") as f: f.write(b"12345"); f.seek(2); middle = f.read(2)
        print(middle, open("m").read())
        try: open("m", "x")
        except FileExistsError: print("exists")
        try: open("missing")
        except FileNotFoundError: print("missing")
        print(open("x", "x").write("x"))
    """,
    "descriptors": """
        fd = os.open("d", os.O_RDWR | os.O_CREAT, 0o600)
        print(oct(os.fstat(fd).st_mode & 0o777), os.write(fd, b"hello"), os.fsync(fd))
        print(os.pread(fd, 3, 1), os.pwrite(fd, b"J", 0), os.lseek(fd, 0, 0))
        second = os.dup(fd); print(os.read(second, 9)); os.ftruncate(fd, 2)
        print(os.fstat(fd).st_size); os.close(fd); print(os.lseek(second, 0, 1))
        os.unlink("d"); print(os.fstat(second).st_size); os.close(second)
    """,
    "two handles": """
        a = open("two", "w"); b = open("two"); a.write("one"); a.flush()
        print(b.read()); a.write("more"); a.close()
        print(b.read(), os.stat("two").st_size)
    """,
    "names": """
        for name in ("spaces and\\nlines", "日本", "-dash", "a" * 255, "dot.", "'\\""):
            open(name, "w").write(name); assert open(name).read() == name
            assert name in os.listdir("."); os.remove(name)
        try: open("a" * 256, "w")
        except OSError as error: print("too long")
    """,
    "directories": """
        os.makedirs("t/a/b"); pathlib.Path("t/a/f").write_text("f")
        os.rename("t/a", "t/c")
        print(sorted(map(str, pathlib.Path("t").rglob("*"))), glob.glob("t/*/f"))
        print([(d, sorted(n)) for d, _, n in sorted(os.walk("t"))])
        shutil.copytree("t", "u"); shutil.move("u/c/f", "t/moved"); shutil.rmtree("u")
        print(sorted(os.listdir("t")), os.path.isdir("u"))
        try: os.rmdir("t")
        except OSError as error: print("not empty")
        deep = "/".join(["deep"] * 60); os.makedirs(deep)
        open(deep + "/f", "w").write("x")
        print(open(deep + "/f").read()); shutil.rmtree("deep")
    """,
    "links": """
        open("aim", "w").write("aim"); os.symlink("aim", "way")
        print(os.readlink("way"), open("way").read(), os.path.islink("way"))
        print(os.lstat("way").st_mode != os.stat("way").st_mode); os.remove("aim")
        print(os.path.exists("way"), os.path.lexists("way"))
    """,
    "times and modes": """
        open("t1", "w").close(); os.utime("t1", (1e9, 1.5e9)); os.chmod("t1", 0o640)
        found = os.stat("t1")
        print(found.st_mtime, found.st_atime, oct(found.st_mode))
    """,
    "temporary files": """
        with tempfile.TemporaryDirectory(dir=".") as directory:
            with tempfile.NamedTemporaryFile(dir=directory) as file:
                file.write(b"x" * 100_000); file.flush()
                print(os.path.getsize(file.name))
        print(os.path.exists(directory))
    """,
    "mapped memory": """
        open("map", "wb").write(bytes(range(256)) * 100)
        with open("map", "rb") as file:
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            print(view[255], len(view), view.find(b"\\x05\\x06")); view.close()
    """,
    "sqlite": """
        with sqlite3.connect("db") as c:
            c.execute("create table t (x)"); c.executemany("insert into t values (?)",
                ((n,) for n in range(1000)))
        c.close(); c = sqlite3.connect("db")
        print(c.execute("select sum(x) from t").fetchone()); c.close()
    """,
    "archives": """
        with zipfile.ZipFile("z.zip", "w") as z: z.writestr("a/b", "text" * 1000)
        zipfile.ZipFile("z.zip").extractall("zz"); print(len(open("zz/a/b").read()))
    """,
    "large offsets": """
        with open("big", "wb") as f: f.seek(5 << 30); f.write(b"end")
        with open("big", "rb") as f: f.seek(5 << 30); print(f.read(), f.tell())
        print(os.path.getsize("big")); os.remove("big")
    """,
    "large contents": """
        block = os.urandom(1 << 20)
        with open("large", "wb") as f:
            for _ in range(20): f.write(block)
        read = open("large", "rb").read(); print(len(read), read == block * 20)
        with open("large", "rb", buffering=0) as f:
            f.seek((1 << 20) - 5); print(f.read(10) == block[-5:] + block[:5])
        os.remove("large")
    """,
    "many entries": """
        sizes = [entry.stat().st_size for entry in os.scandir("crowd")]
        print(len(os.listdir("crowd")), sum(sizes))
    """,
    "any reads and writes": """
        import random
        rng = random.Random(7)
        sizes = (1, 30, 5000, 70_000, 300_000, 1_200_000)
        a, b = (open(name, "w+b", buffering=0) for name in ("m2", "/tmp/m2"))
        with a, b:
            for step in range(250):
                at = rng.randrange(1 << 21)
                length = rng.choice(sizes[:rng.choice((3, 6))])
                data, what = rng.randbytes(length), rng.choice("wwwsspprtf")
                done = []
                for f in (a, b):
                    if what in "wr": f.seek(at)
                    if what == "p": f.seek(max(f.tell() - length // 2, 0))
                    if what in "wsp": done.append(f.write(data))
                    elif what == "r": done.append(f.read(length))
                    elif what == "t": done.append(f.truncate(at))
                    else: done.append(os.fstat(f.fileno()).st_size)
                    done.append(f.tell())
                assert done[:2] == done[2:], (step, what)
        print(open("m2", "rb").read() == open("/tmp/m2", "rb").read())
    """,
    "locks": """
        import errno, fcntl
        with open("locked", "w") as f:
            for lock in (lambda: fcntl.flock(f, fcntl.LOCK_EX),
                         lambda: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB),
                         lambda: fcntl.fcntl(f.fileno(), fcntl.F_SETLK, bytes(32))):
                try: lock()
                except OSError as error: print(errno.errorcode[error.errno])
            print(fcntl.flock(f, fcntl.LOCK_UN), fcntl.fcntl(f, fcntl.F_GETFD))
        with open("/tmp/own", "w") as f: print(fcntl.flock(f, fcntl.LOCK_EX))
    """,
    "files in their order": """
        os.mkdir("row")
        for n in range(200): open(f"row/{n:03}", "w").write(str(n))
        for order in (os.listdir("row"), sorted(os.listdir("row"))):
            read = [int(open(f"row/{n}").read()) for n in order]
            assert read == [int(n) for n in order]
        held = []
        for name in sorted(os.listdir("row")):
            held.append(open(f"row/{name}")); os.path.exists("row/none")
            if len(held) == 100: shutil.rmtree("row"); break
        print(sum(int(f.read()) for f in held)); [f.close() for f in held]
    """,
    "devices": "print(os.path.ismount(M), os.path.samefile(M, '/tmp'))",
    "an empty file": "open('none', 'w').close(); print(open('none').read() == '')",
    "room": "print(shutil.disk_usage('.').total > 0)",
}
EXPECTED = {
    "modes": "b'34' 12345\nexists\nmissing\n1\n",
    "descriptors": "0o600 5 None\nb'ell' 1 0\nb'Jello'\n2\n5\n2\n",
    "two handles": "one\nmore 7\n",
    "names": "too long\n",
    "directories": (
        "['t/c', 't/c/b', 't/c/f'] ['t/c/f']\n"
        "[('t', []), ('t/c', ['f']), ('t/c/b', [])]\n"
        "['c', 'moved'] False\nnot empty\nx\n"
    ),
    "links": "aim aim True\nTrue\nFalse True\n",
    "times and modes": "1500000000.0 1000000000.0 0o100640\n",
    "temporary files": "100000\nFalse\n",
    "mapped memory": "255 25600 5\n",
    "sqlite": "(499500,)\n",
    "archives": "4000\n",
    "large offsets": f"b'end' {(5 << 30) + 3}\n{(5 << 30) + 3}\n",
    "large contents": f"{20 << 20} True\nTrue\n",
    "many entries": "5000 5000\n",
    "any reads and writes": "True\n",
    "locks": "ENOLCK\nENOLCK\nENOLCK\nNone 0\nNone\n",
    "files in their order": "4950\n",
    "devices": "True False\n",
    "an empty file": "True\n",
    "room": "True\n",
}


@dataclass(frozen=True)
class Place:
    data: Path
    output: Path
    sandbox: SharedWorker

    def run(self, code: str) -> str:
        ran = self.sandbox.run(code)
        assert ran.status == "ok", ran.outputs
        return ran.text()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    base = tmp_path_factory.mktemp("files")
    data, output = base / "my-data", base / "new" / "output"
    (data / "crowd").mkdir(parents=True)
    for number in range(5000):
        (data / "crowd" / f"{number}").write_text("x")
    options = WorkerOptions(
        mounts=(HostMount(host_path=data, allow_writes=True),), output_dir=output
    )
    with shared_worker(options) as sandbox:
        place = Place(data, output, sandbox)
        place.run(PREPARED)
        yield place


@pytest.mark.parametrize("name", CELLS)
def test_what_programs_do_with_files(place: Place, name: str) -> None:
    lines = CELLS[name].strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    assert place.run("\n".join(line[indent:] for line in lines)) == EXPECTED[name]


def test_what_a_cell_closed_is_on_the_host_and_the_other_way_round(
    place: Place,
) -> None:
    place.run("open('shared', 'w').write('guest')")
    assert (place.data / "shared").read_text() == "guest"
    (place.data / "shared").write_text("host, and longer")
    assert place.run("print(open('shared').read())") == "host, and longer\n"
    (place.data / "shared").unlink()
    assert place.run("print(os.path.exists('shared'))") == "False\n"
    (place.data / "shared").mkdir()
    assert place.run("print(os.path.isdir('shared'))") == "True\n"


def test_what_a_cell_left_open_is_on_the_host_when_it_has_ended(place: Place) -> None:
    place.run("left = open('left', 'wb', buffering=0); left.write(b'some')")
    assert (place.data / "left").read_bytes() == b"some"
    place.run("left.close()")


def test_modules_are_imported_and_loaded_again(place: Place) -> None:
    (place.data / "my_module.py").write_text("VALUE = 1\n")
    assert place.run("sys.path.append(M); import my_module; print(my_module.VALUE)")
    (place.data / "my_module.py").write_text("VALUE = 'edited'\n")
    code = "print(importlib.reload(my_module).VALUE)"
    assert place.run(code) == "edited\n"


def test_data_frames_and_arrays_are_read_and_written(place: Place) -> None:
    (place.data / "in.csv").write_text("x,y\n1,2\n3,4\n")
    place.run("import pandas as pd, numpy as np")
    place.run("(pd.read_csv('in.csv') * 2).to_csv('out.csv', index=False)")
    assert (place.data / "out.csv").read_text() == "x,y\n2,4\n6,8\n"
    code = "np.arange(1000).tofile('array'); print(np.memmap('array', int, 'r').sum())"
    assert place.run(code) == "499500\n"


def test_what_is_opened_in_a_row_is_what_the_host_has(place: Place) -> None:
    """Files that are opened ahead are no older than what the cell has seen besides."""
    row = place.data / "watched"
    row.mkdir()
    for number in range(50):
        (row / f"{number:02}").write_text("old")
    code = """
        names = sorted(os.listdir("watched"))
        assert {open(f"watched/{n}").read() for n in names[:10]} == {"old"}
        open("ready", "w").close()
        while not os.path.exists("changed"): pass
        print({open(f"watched/{n}").read() for n in names[10:]})
    """

    def change() -> None:
        while not (place.data / "ready").exists():
            time.sleep(0.01)
        for file in row.iterdir():
            file.write_text("new")
        (place.data / "changed").touch()

    with ThreadPoolExecutor(1) as executor:
        changing = executor.submit(change)
        assert place.run(textwrap.dedent(code)) == "{'new'}\n"
        changing.result()


def test_a_directory_with_100_000_entries(place: Place) -> None:
    (place.data / "huge").mkdir()
    for number in range(100_000):
        (place.data / "huge" / f"{number}").touch()
    code = "found = os.listdir('huge'); print(len(found), len(set(found)))"
    assert place.run(code) == "100000 100000\n"
    code = "print(sum(entry.is_file() for entry in os.scandir('huge')))"
    assert place.run(code) == "100000\n"
    shutil.rmtree(place.data / "huge")


def test_parquet_works_or_says_what_it_lacks(place: Place) -> None:
    """Pyodide's lock names pyarrow; whether it can be had is up to the network."""
    place.run("import pandas as pd; frame = pd.DataFrame({'x': [1, 2]})")
    ran = place.sandbox.run(
        "frame.to_parquet('f.parquet'); print(pd.read_parquet('f.parquet').x.sum())"
    )
    if ran.status == "ok":
        assert ran.text() == "3\n"
    else:
        assert ran.status == "ImportError"
        assert ran.reply is not None
        assert "pyarrow" in ran.reply.evalue


def test_the_alias_of_a_mount_is_found_and_not_listed(place: Place) -> None:
    name = place.run("print(os.path.basename(M))").strip()
    alias = alias_name(place.data)
    assert alias != name
    assert place.run("print(os.listdir('/mnt'))").strip() == f"[{name!r}]"
    place.run(f"open('/mnt/{alias}/by-alias', 'w').write('x')")
    code = "print(os.stat(M + '/by-alias'))"
    assert "st_size=1" in place.run(code)


def test_paths_of_a_mount_are_completed_however_many_there_are(place: Place) -> None:
    (place.data / "mine ü.csv").touch()
    mount = place.run("print(M)").strip()

    def complete(path: str) -> CompleteReply:
        code = f"open('{path}"
        worker = place.sandbox.worker
        return place.sandbox.call(worker.complete, code, len(code))

    assert complete("/mnt/_").matches == [f"{mount}/"]
    assert complete(f"{mount}/mine").matches == [f"{mount}/mine ü.csv"]
    assert 100 < len(complete(f"{mount}/crowd/").matches) <= 1000


def test_outputs_are_copied_however_the_cell_ends(place: Place) -> None:
    place.run(
        "os.makedirs('/outputs/deep/er'); open('/outputs/deep/er/a', 'w').write('a')"
    )
    assert (place.output / "deep" / "er" / "a").read_text() == "a"
    place.sandbox.run("open('/outputs/b', 'w').write('b'); 1 / 0")
    assert (place.output / "b").read_text() == "b"
    place.sandbox.run(
        "open('/outputs/c', 'w').write('c'); import time; time.sleep(30)",
        interrupt_after_s=0.5,
    )
    assert (place.output / "c").read_text() == "c"
    place.run("os.remove('/outputs/b')")
    assert (place.output / "b").read_text() == "b"


def test_a_killed_worker_leaves_its_outputs_and_the_mount(place: Place) -> None:
    with pytest.raises(WorkerDiedError):
        place.sandbox.run("open('/outputs/d', 'w').write('d'); os._exit(1)")
    assert (place.output / "d").read_text() == "d"
    place.run(PREPARED)
    assert place.run("print(open('/outputs/d').read())") == "d\n"


def test_a_mount_that_vanishes_is_an_error_of_the_cell(
    tmp_path: Path, place: Place
) -> None:
    for name in ("gone", "kept"):
        (place.data / name).mkdir()
    place.run("os.chdir(M + '/gone')")
    (place.data / "gone").rename(tmp_path / "elsewhere")
    assert place.sandbox.run("open('file', 'w')").status == "FileNotFoundError"
    place.run("os.chdir(M); open('kept/file', 'w').write('x')")


def test_a_long_read_is_interrupted(place: Place) -> None:
    with (place.data / "sparse").open("wb") as file:
        file.truncate(200 << 30)
    ran = place.sandbox.run(
        "with open('sparse', 'rb', buffering=0) as f:\n    while f.read(1 << 20): pass",
        interrupt_after_s=0.5,
    )
    assert ran.status == "KeyboardInterrupt"
    assert ran.ended - ran.interrupted < 5
    place.run("print(open('in.csv').read())")
