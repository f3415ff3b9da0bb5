"""Nothing that guest code does changes a byte of a read-only mount.

Each attempt runs in the real sandbox. It may raise or quietly do nothing; what counts
is the tree on the host, which is compared after each one.
"""

import contextlib
import hashlib
import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runt_vfs import MUTATING_OPERATIONS
from runt_worker import HostMount, WorkerDiedError, WorkerOptions
from runt_worker._file_calls import ANSWERERS
from runt_worker.testing import SharedWorker, shared_worker

PREPARED = """
import ctypes, glob, io, mmap, os, pathlib, shutil, sqlite3, sys, tempfile, zipfile
import json, pyodide_js, js
from pyodide.code import run_js
from pyodide.ffi import to_js
R = "/mnt/" + [n for n in os.listdir("/mnt") if n.endswith("_guarded")][0]
W = "/mnt/" + [n for n in os.listdir("/mnt") if n.endswith("_free")][0]
F, D = R + "/file.txt", R + "/directory"
FS = pyodide_js._module.FS
finder = [f for f in sys.meta_path if type(f).__name__ == "PackageFinder"][0]
bridge = finder.client._bridge
GUARDED = sorted(os.listdir("/mnt")).index(os.path.basename(R))
def forge(method, **parameters):
    text = json.dumps({"mount": GUARDED, **parameters})
    answer = json.loads(bridge.call(method, text))
    if "code" in answer:
        raise OSError(answer["code"])
    return answer
def opened(access=0):
    return forge("open", path="file.txt", access=access, append=False)["handle"]
def call_js(source):
    return run_js("(FS, file, directory) => { " + source + " }")(FS, F, D)
def node():
    return FS.lookupPath(F).node
"""

ATTEMPTS = {
    # Python's own open
    "open w": "open(F, 'w').write('x')",
    "open wb": "open(F, 'wb').write(b'x')",
    "open a": "open(F, 'a').write('x')",
    "open r+": "open(F, 'r+').write('x')",
    "open w+": "open(F, 'w+').write('x')",
    "open a+": "open(F, 'a+').write('x')",
    "open x": "open(R + '/new', 'x').write('x')",
    "open unbuffered": "open(F, 'r+b', buffering=0).write(b'x')",
    "open an empty file": "open(R + '/empty', 'w').write('x')",
    "open in a directory": "open(D + '/inner.txt', 'w').write('x')",
    "open through a link": "open(R + '/link', 'w').write('x')",
    "open through a linked directory": "open(R + '/linked/inner.txt', 'w').write('x')",
    "open through /proc/self/fd": (
        "f = open(F); open(f'/proc/self/fd/{f.fileno()}', 'w').write('x')"
    ),
    "opener that adds rights": (
        "open(F, 'w', opener=lambda p, f: os.open(p, os.O_RDWR)).write('x')"
    ),
    # os on files
    "O_WRONLY": "os.write(os.open(F, os.O_WRONLY), b'x')",
    "O_RDWR": "os.write(os.open(F, os.O_RDWR), b'x')",
    "O_APPEND": "os.write(os.open(F, os.O_WRONLY | os.O_APPEND), b'x')",
    "O_TRUNC alone": "os.open(F, os.O_TRUNC)",
    "O_CREAT alone": "os.open(R + '/new', os.O_CREAT)",
    "O_CREAT and O_EXCL": "os.open(R + '/new', os.O_CREAT | os.O_EXCL | os.O_WRONLY)",
    "all open flags": "os.open(R + '/new', 0xffff)",
    "write to a read-only descriptor": "os.write(os.open(F, os.O_RDONLY), b'x')",
    "pwrite to a read-only descriptor": "os.pwrite(os.open(F, os.O_RDONLY), b'x', 0)",
    "ftruncate a read-only descriptor": "os.ftruncate(os.open(F, os.O_RDONLY), 0)",
    "truncate": "os.truncate(F, 0)",
    "truncate to grow": "os.truncate(F, 1 << 20)",
    "posix_fallocate": "os.posix_fallocate(os.open(F, os.O_RDONLY), 0, 1 << 20)",
    "fchmod": "os.fchmod(os.open(F, os.O_RDONLY), 0o777)",
    "chmod, then write": "os.chmod(F, 0o777); open(F, 'w').write('x')",
    "chmod the root": "os.chmod(R, 0o777); open(R + '/new', 'w').write('x')",
    "chmod a directory": "os.chmod(D, 0o777)",
    "chown": "os.chown(F, 0, 0)",
    "utime": "os.utime(F, (1, 1))",
    "utime by nanoseconds": "os.utime(D, ns=(1, 1))",
    "dup to a writable number": "os.write(os.dup2(os.open(F, os.O_RDONLY), 77), b'x')",
    "fcntl sets the mode": (
        "import fcntl; d = os.open(F, os.O_RDONLY); fcntl.fcntl(d, fcntl.F_SETFL, 2); "
        "os.write(d, b'x')"
    ),
    "sendfile": "os.sendfile(os.open(F, 0), os.open(W + '/mine', 0), 0, 1)",
    # os on names
    "unlink": "os.unlink(F)",
    "remove": "os.remove(R + '/link')",
    "rmdir": "os.rmdir(R + '/hollow')",
    "mkdir": "os.mkdir(R + '/new')",
    "makedirs": "os.makedirs(R + '/new/deep')",
    "removedirs": "os.removedirs(R + '/hollow')",
    "rename inside": "os.rename(F, R + '/other')",
    "rename out": "os.rename(F, W + '/taken')",
    "rename in": "os.rename(W + '/mine', R + '/new')",
    "replace by one of ours": "os.replace(W + '/mine', F)",
    "rename a directory": "os.rename(D, R + '/moved')",
    "rename the mount": "os.rename(R, '/mnt/moved')",
    "remove the mount": "os.rmdir(R)",
    "symlink": "os.symlink('file.txt', R + '/new')",
    "link": "os.link(F, R + '/new')",
    "link out": "os.link(F, W + '/second'); open(W + '/second', 'w').write('x')",
    "symlink from a writable mount": (
        "os.symlink(F, W + '/way'); open(W + '/way', 'w').write('x')"
    ),
    "relative symlink from a writable mount": (
        "os.symlink('../' + os.path.basename(R) + '/file.txt', W + '/way2'); "
        "open(W + '/way2', 'w').write('x')"
    ),
    "symlink from the sandbox": (
        "os.symlink(F, '/tmp/way'); open('/tmp/way', 'w').write('x')"
    ),
    "mknod": "os.mknod(R + '/new')",
    "mkfifo": "os.mkfifo(R + '/new')",
    "dir_fd: open": "os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=os.open(R, 0))",
    "dir_fd: unlink": "os.unlink('file.txt', dir_fd=os.open(R, 0))",
    "dir_fd: mkdir": "os.mkdir('new', dir_fd=os.open(R, 0))",
    "dir_fd: rename": (
        "d = os.open(R, 0); os.rename('file.txt', 'new', src_dir_fd=d, dst_dir_fd=d)"
    ),
    "chdir, then relative": "os.chdir(R); open('new', 'w').write('x')",
    "fchdir, then relative": "os.fchdir(os.open(D, 0)); os.remove('inner.txt')",
    "xattr": "os.setxattr(F, 'user.x', b'x')",
    # libraries
    "pathlib write_text": "pathlib.Path(F).write_text('x')",
    "pathlib touch": "pathlib.Path(F).touch()",
    "pathlib unlink": "pathlib.Path(F).unlink()",
    "pathlib rename": "pathlib.Path(F).rename(R + '/new')",
    "shutil rmtree": "shutil.rmtree(D)",
    "shutil rmtree of all": "shutil.rmtree(R)",
    "shutil copy in": "shutil.copy(W + '/mine', R + '/new')",
    "shutil copystat": "shutil.copystat(W + '/mine', F)",
    "shutil move in": "shutil.move(W + '/mine', F)",
    "shutil move out": "shutil.move(F, W + '/taken')",
    "shutil copytree in": "shutil.copytree(W, D, dirs_exist_ok=True)",
    "tempfile": "tempfile.NamedTemporaryFile(dir=R)",
    "zipfile extract": (
        "z = zipfile.ZipFile('/tmp/z.zip', 'w'); "
        "z.writestr('file.txt', 'x'); z.close(); "
        "zipfile.ZipFile('/tmp/z.zip').extractall(R)"
    ),
    "zipfile append": "zipfile.ZipFile(R + '/archive.zip', 'a').writestr('x', 'x')",
    "sqlite": "sqlite3.connect(R + '/data.sqlite').execute('create table t (x)')",
    "sqlite new": "sqlite3.connect(R + '/new.sqlite').execute('create table t (x)')",
    "mmap write": ("m = mmap.mmap(os.open(F, os.O_RDWR), 0); m[0:1] = b'x'; m.flush()"),
    "mmap of a read-only descriptor": (
        "m = mmap.mmap(os.open(F, os.O_RDONLY), 0, prot=mmap.PROT_WRITE); "
        "m[0:1] = b'x'; m.flush(); m.close()"
    ),
    "mmap private": (
        "m = mmap.mmap(os.open(F, os.O_RDONLY), 0, flags=mmap.MAP_PRIVATE, "
        "prot=mmap.PROT_READ | mmap.PROT_WRITE); m[0:1] = b'x'; m.flush(); m.close()"
    ),
    "compile a module beside its source": (
        "import py_compile; py_compile.compile(R + '/module.py')"
    ),
    "import a module": (
        "sys.dont_write_bytecode = False; sys.path.append(R); import module"
    ),
    "ctypes": "ctypes.CDLL(None).unlink(F.encode())",
    "io.open_code": "io.open_code(F).write(b'x')",
    # Emscripten
    "FS.writeFile": "FS.writeFile(F, 'x')",
    "FS.truncate": "FS.truncate(F, 0)",
    "FS.unlink": "FS.unlink(F)",
    "FS.rename": "FS.rename(F, R + '/new')",
    "FS.mkdir": "FS.mkdir(R + '/new')",
    "FS.chmod": "FS.chmod(F, 0o777); FS.writeFile(F, 'x')",
    "FS.utime": "FS.utime(F, 1, 1)",
    "FS.unmount and write": "FS.unmount(R); open(F, 'w').write('x')",
    "FS.open by number": (
        "call_js('FS.write(FS.open(file, 2), new Uint8Array(1), 0, 1)')"
    ),
    "raised mode of the node": (
        "call_js('const n = FS.lookupPath(file).node; n.mode |= 0o777; "
        "const s = FS.open(n, 2); FS.write(s, new Uint8Array(1), 0, 1); FS.close(s)')"
    ),
    "raised flags of a stream": (
        "call_js('const s = FS.open(file, 0); s.flags = 2; "
        "FS.write(s, new Uint8Array(9), 0, 9, 0); FS.close(s)')"
    ),
    "stream operation called aside": (
        "call_js('const s = FS.open(file, 0); "
        "s.stream_ops.write(s, new Uint8Array(9), 0, 9, 0); s.stream_ops.fsync(s)')"
    ),
    "node operations called aside": (
        "call_js('const p = FS.lookupPath(directory).node; "
        'p.node_ops.unlink(p, "inner.txt")\')'
    ),
    "setattr called aside": (
        "call_js('const n = FS.lookupPath(file).node; "
        "n.node_ops.setattr(n, {size: 0})')"
    ),
    "mknod called aside": (
        "call_js('const n = FS.lookupPath(directory).node; "
        'n.node_ops.mknod(n, "new", 0o100666, 0)\')'
    ),
    "permission check replaced": (
        "call_js('const old = FS.nodePermissions; FS.nodePermissions = () => 0; "
        'try { FS.writeFile(file, "x"); } finally { FS.nodePermissions = old; }\')'
    ),
    "mount number of a node changed": (
        "call_js('const n = FS.lookupPath(file).node; n.hostMount = 99; "
        "FS.truncate(n, 0)')"
    ),
    # Deno and the host thread
    "Deno.writeTextFileSync": "js.Deno.writeTextFileSync(HOST + '/file.txt', 'x')",
    "Deno.removeSync": "js.Deno.removeSync(HOST + '/file.txt')",
    "Deno.truncateSync": "js.Deno.truncateSync(HOST + '/file.txt')",
    "Deno.symlinkSync": "js.Deno.symlinkSync('/etc/passwd', HOST + '/new')",
    "posted as a frame": (
        "js.postMessage(to_js({'type': 'frame', 'head': json.dumps({'id': 1, "
        "'method': 'unlink', 'parameters': {'mount': GUARDED, 'path': 'file.txt'}})}, "
        "dict_converter=js.Object.fromEntries))"
    ),
    # forged calls
    "forged create": "forge('create', path='new')",
    "forged mkdir": "forge('mkdir', path='new', mode=0o777)",
    "forged open for writing": "forge('open', path='file.txt', access=1, append=False)",
    "forged open for both": "forge('open', path='file.txt', access=2, append=False)",
    "forged open to append": "forge('open', path='file.txt', access=0, append=True)",
    "forged rename": "forge('rename', path='file.txt', new_path='new')",
    "forged rmdir": "forge('rmdir', path='hollow')",
    "forged setattr size": "forge('setattr', path='file.txt', size=0)",
    "forged setattr mode": "forge('setattr', path='file.txt', mode=0o777)",
    "forged setattr times": "forge('setattr', path='file.txt', atime=1, mtime=1)",
    "forged symlink": "forge('symlink', path='new', target='file.txt')",
    "forged truncate": "forge('truncate', handle=opened(), size=0)",
    "forged unlink": "forge('unlink', path='file.txt')",
    "forged write": (
        "h = opened(); json.loads(bridge.call('write', "
        "json.dumps({'mount': GUARDED, 'handle': h, 'offset': 0})))"
    ),
    "forged handles by the hundred": (
        "[json.loads(bridge.call('truncate', json.dumps({'mount': GUARDED, "
        "'handle': h, 'size': 0}))) for h in range(-5, 300)]"
    ),
    "forged opening ahead": (
        "names = ['new', 'empty', 'link', '../guarded/empty', 'directory', '', '.']; "
        "answer = forge('open', path='file.txt', access=0, append=False, ahead=names); "
        "handles = [f[0] for f in answer['ahead'] if f]; "
        "[json.loads(bridge.call('truncate', json.dumps({'mount': GUARDED, "
        "'handle': h, 'size': 0}))) for h in handles]"
    ),
    "forged fsync": "forge('fsync', handle=opened())",
    "forged method": "forge('chmod', path='file.txt', mode=0o777)",
    "forged by mount -1": "forge('unlink', mount=-1, path='file.txt')",
    "forged path from another mount": (
        "forge('unlink', mount=1 - GUARDED, "
        "path='../' + os.path.basename(HOST) + '/file.txt')"
    ),
    "forged rename from another mount": (
        "forge('rename', mount=1 - GUARDED, path='mine', "
        "new_path='../' + os.path.basename(HOST) + '/new')"
    ),
    "forged symlink over the host": (
        "forge('symlink', mount=1 - GUARDED, path='way3', target=HOST + '/file.txt'); "
        "open(W + '/way3', 'w').write('x')"
    ),
    # links planted on the host
    "write through a planted link": "open(W + '/planted', 'w').write('x')",
    "write through a planted directory": "open(W + '/planted_directory/new', 'w')",
    "unlink through a planted directory": (
        "os.unlink(W + '/planted_directory/file.txt')"
    ),
    "chmod through a planted link": "os.chmod(W + '/planted', 0o777)",
    "truncate through a planted link": "os.truncate(W + '/planted', 0)",
    "utime through a planted link": "os.utime(W + '/planted', (1, 1))",
}
CHANGING_CALLS = {
    "create",
    "mkdir",
    "rename",
    "rmdir",
    "setattr",
    "symlink",
    "truncate",
    "unlink",
    "write",
}
READING_CALLS = {"close", "fstat", "fsync", "lstat", "open", "read", "readdir"} | {
    "readdir_more",
    "readlink",
    "statfs",
}

Tree = dict[str, tuple[object, ...]]


@dataclass(frozen=True)
class Guarded:
    """A sandbox with a read-only mount beside a writable one."""

    host_path: Path
    sandbox: SharedWorker

    def tree(self) -> Tree:
        return {
            str(path.relative_to(self.host_path)): described(path)
            for path in [self.host_path, *sorted(self.host_path.rglob("*"))]
        }


def described(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content = (
        str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
    )
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (
        status.st_mode,
        status.st_size,
        status.st_ino,
        status.st_nlink,
        *times,
        content,
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Guarded]:
    base = tmp_path_factory.mktemp("readonly")
    host_path, free = base / "guarded", base / "free"
    for directory in (host_path / "directory", host_path / "hollow", free):
        directory.mkdir(parents=True)
    (host_path / "file.txt").write_text("precious\n")
    (host_path / "empty").touch()
    (host_path / "directory" / "inner.txt").write_text("inner")
    (host_path / "module.py").write_text("VALUE = 1\n")
    (host_path / "data.sqlite").touch()
    (host_path / "archive.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (host_path / "link").symlink_to("file.txt")
    (host_path / "linked").symlink_to("directory")
    (free / "mine").write_text("mine")
    (free / "planted").symlink_to(host_path / "file.txt")
    (free / "planted_directory").symlink_to(host_path)
    mounts = (
        HostMount(host_path=free, allow_writes=True),
        HostMount(host_path=host_path),
    )
    with shared_worker(WorkerOptions(mounts=mounts)) as sandbox:
        yield Guarded(host_path, sandbox)


def attempt(guarded: Guarded, code: str) -> None:
    host = f"HOST = {json.dumps(str(guarded.host_path))}\n"
    sandbox = guarded.sandbox
    # Some break their sandbox or end it, which hurts nobody else: the next attempt
    # begins in a whole one.
    if sandbox.run("assert open(F).read() == 'precious\\n'").status != "ok":
        sandbox.call(sandbox.worker.restart)
        assert sandbox.run(PREPARED).status == "ok"
    with contextlib.suppress(WorkerDiedError):
        sandbox.run(host + "os.chdir('/')\n" + code)
        sandbox.run("import gc; gc.collect()")


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_changes_a_read_only_mount(guarded: Guarded, name: str) -> None:
    before = guarded.tree()
    attempt(guarded, ATTEMPTS[name])
    assert guarded.tree() == before


@pytest.mark.parametrize(
    "code",
    [
        "open(F, 'w')",
        "open(F, 'a')",
        "open(F, 'r+')",
        "open(R + '/new', 'x')",
        "os.truncate(F, 0)",
        "os.mkdir(R + '/new')",
        "os.rmdir(R + '/hollow')",
        "os.unlink(F)",
        "os.rename(F, R + '/new')",
        "os.symlink('file.txt', R + '/new')",
        "os.chmod(F, 0o777)",
        "os.utime(F, (1, 1))",
        "shutil.rmtree(D)",
        "tempfile.mkstemp(dir=R)",
    ],
)
def test_users_catch_a_permission_error(guarded: Guarded, code: str) -> None:
    attempt(guarded, "pass")
    ran = guarded.sandbox.run(code)
    assert ran.status == "PermissionError"


def test_the_guest_can_tell_that_it_may_not_write(guarded: Guarded) -> None:
    attempt(guarded, "pass")
    ran = guarded.sandbox.run(
        "print(os.access(F, os.W_OK), os.access(R, os.W_OK), os.access(F, os.R_OK),"
        "oct(os.stat(F).st_mode & 0o777), oct(os.stat(D).st_mode & 0o777))"
    )
    assert ran.text().split() == ["False", "False", "True", "0o444", "0o555"]


def test_every_call_is_known_to_change_files_or_not() -> None:
    """A new call fails here until the lists above, and the attempts, know it."""
    assert set(ANSWERERS) == CHANGING_CALLS | READING_CALLS
    for method in CHANGING_CALLS:
        assert any(f"'{method}'" in code for code in ATTEMPTS.values()), method
    assert len(ATTEMPTS) >= 60
    assert len(MUTATING_OPERATIONS) == 11
