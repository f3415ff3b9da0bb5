"""Nothing that guest code does reads or changes a file outside of its mounts."""

import contextlib
import json
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runt_worker import HostMount, WorkerDiedError, WorkerOptions
from runt_worker.testing import SharedWorker, shared_worker

SECRET = "canary-outside-of-the-mount"

PREPARED = """
import glob, json, os, pathlib, shutil, sys, pyodide_js, js
from pyodide.code import run_js
M = "/mnt/" + [n for n in os.listdir("/mnt") if n.endswith("_mounted")][0]
FS = pyodide_js._module.FS
finder = [f for f in sys.meta_path if type(f).__name__ == "PackageFinder"][0]
bridge = finder.client._bridge
def forge(method, **parameters):
    answer = json.loads(bridge.call(method, json.dumps({"mount": 0, **parameters})))
    if "code" in answer:
        raise OSError(answer["code"])
    return answer
def attempt(work):
    try:
        return str(work())
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
"""

READS = {
    "dots": "open(M + '/../outside/secret').read()",
    "many dots": "open(M + '/../' * 30 + OUTSIDE + '/secret').read()",
    "dots behind a directory": "open(M + '/inner/../../outside/secret').read()",
    "the host's path": "open(OUTSIDE + '/secret').read()",
    "planted link": "open(M + '/absolute').read()",
    "planted relative link": "open(M + '/relative').read()",
    "planted link to a directory": "open(M + '/up/secret').read()",
    "chain of links": "open(M + '/chain').read()",
    "link to a link that leaves": "open(M + '/second').read()",
    "listing through a link": "os.listdir(M + '/up')",
    "walking with links": (
        "[open(os.path.join(d, n)).read() for d, _, ns in os.walk(M + '/up', "
        "followlinks=True) for n in ns]"
    ),
    "glob through a link": "[open(p).read() for p in glob.glob(M + '/up/*')]",
    "stat through a link": "os.stat(M + '/absolute')",
    "target of a link": "os.readlink(M + '/absolute')",
    "copy of a link": "shutil.copy(M + '/absolute', '/tmp/copied') and 0",
    "chdir through a link": "(os.chdir(M + '/up'), open('secret').read())",
    "dir_fd of a link": (
        "os.read(os.open('secret', 0, dir_fd=os.open(M + '/up', 0)), 99)"
    ),
    "link of its own": (
        "(os.symlink(OUTSIDE + '/secret', M + '/mine'), open(M + '/mine').read())"
    ),
    "relative link of its own": (
        "(os.symlink('../outside/secret', M + '/mine2'), open(M + '/mine2').read())"
    ),
    "link to proc": (
        "(os.symlink('/proc/self/environ', M + '/mine3'), open(M + '/mine3').read())"
    ),
    "link that leaves once it is moved": (
        "(os.makedirs(M + '/a/b'), os.symlink('../../outside/secret', M + '/a/b/l'), "
        "os.rename(M + '/a/b/l', M + '/l'), open(M + '/l').read())"
    ),
    "directory with a link lifted": (
        "(os.makedirs(M + '/c/d/e'), os.symlink('../../../x', M + '/c/d/e/l'), "
        "os.rename(M + '/c/d/e', M + '/e'), open(M + '/e/l').read())"
    ),
    "socket": "open(M + '/socket').read()",
    "pipe": "open(M + '/pipe').read()",
    "FS.readFile": "FS.readFile(M + '/absolute').to_py()",
    "FS.readFile with dots": "FS.readFile(M + '/../../' + OUTSIDE + '/secret').to_py()",
    "Deno beside it": "js.Deno.readTextFileSync(OUTSIDE + '/secret')",
    "Deno inside the mount": "js.Deno.readTextFileSync(OUTSIDE + '/../mounted/file')",
    "forged dots": "forge('open', path='../outside/secret', access=0, append=False)",
    "forged absolute": (
        "forge('open', path=OUTSIDE + '/secret', access=0, append=False)"
    ),
    "forged NUL": "forge('lstat', path='file\\0../outside/secret')",
    "forged length": "forge('lstat', path='a/' * 100_000)",
    "forged link": "forge('open', path='absolute', access=0, append=False)",
    "forged list": "forge('readdir', path='up')",
    "forged list of the parent": "forge('readdir', path='..')",
    "forged list of all": "forge('readdir', path='/')",
    "forged target": "forge('readlink', path='absolute')",
    "forged mount": "forge('readdir', mount=7, path='')",
    "forged negative mount": "forge('readdir', mount=-1, path='')",
    "forged handle": (
        "[attempt(lambda h=h: forge('fstat', handle=h)) for h in range(99)]"
    ),
    "forged read": (
        "[json.loads(bridge.call('read', json.dumps({'mount': m, 'handle': h, "
        "'offset': 0, 'length': 99}))) for m in range(3) for h in range(30)]"
    ),
    "forged place of a node": (
        'run_js(\'(FS, m) => { const n = FS.lookupPath(m + "/file").node; '
        'n.name = "../outside/secret"; return FS.open(n, 0); }\')(FS, M)'
    ),
}
CHANGES = {
    "write by dots": "open(M + '/../outside/new', 'w').write('x')",
    "write through a link": "open(M + '/absolute', 'w').write('x')",
    "append through a link": "open(M + '/relative', 'a').write('x')",
    "create through a link": "open(M + '/up/new', 'w').write('x')",
    "create through a dangling link": "open(M + '/dangling', 'w').write('x')",
    "truncate through a link": "os.truncate(M + '/absolute', 0)",
    "chmod through a link": "os.chmod(M + '/absolute', 0o777)",
    "utime through a link": "os.utime(M + '/absolute', (1, 1))",
    "mkdir through a link": "os.mkdir(M + '/up/new')",
    "unlink through a link": "os.unlink(M + '/up/secret')",
    "rename out by a link": "os.rename(M + '/file', M + '/up/taken')",
    "rename in by a link": "os.rename(M + '/up/secret', M + '/taken')",
    "rmtree through a link": "shutil.rmtree(M + '/up/')",
    "copytree over a link": "shutil.copytree(M + '/inner', M + '/up/new')",
    "forged rename out": "forge('rename', path='file', new_path='../outside/taken')",
    "forged rename in": "forge('rename', path='../outside/secret', new_path='taken')",
    "forged create": "forge('create', path='../outside/new')",
    "forged create by a link": "forge('create', path='dangling')",
    "forged unlink": "forge('unlink', path='up/secret')",
    "forged setattr": "forge('setattr', path='absolute', mode=0o777, size=0, mtime=1)",
    "forged symlink": "forge('symlink', path='way', target='../outside')",
    "forged climbing symlink": "forge('symlink', path='way', target='inner/../../x')",
    "outputs by dots": "open('/outputs/../../../' + OUTSIDE + '/new', 'w').write('x')",
    "outputs by a link": (
        "(os.symlink(OUTSIDE, '/outputs/way'), open('/outputs/way/new', 'w'))"
    ),
}


@dataclass(frozen=True)
class Place:
    """A mount, and beside it what nobody may see or touch."""

    outside: Path
    sandbox: SharedWorker

    def run(self, code: str) -> str:
        sandbox = self.sandbox
        if sandbox.run("assert open(M + '/file').read() == 'mine'").status != "ok":
            sandbox.call(sandbox.worker.restart)
            assert sandbox.run(PREPARED).status == "ok"
        prepared = f"OUTSIDE = {str(self.outside)!r}\nos.chdir('/')\n"
        ran = sandbox.run(f"{prepared}print(attempt(lambda: {code}))")
        return ran.text() + ran.text("stderr")

    def described(self) -> list[tuple[object, ...]]:
        return [
            (str(path), *path.lstat()[:9], path.lstat().st_mtime_ns)
            for path in [self.outside, *sorted(self.outside.rglob("*"))]
        ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    base = tmp_path_factory.mktemp("containment")
    mounted, outside = base / "mounted", base / "outside"
    (mounted / "inner").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    (mounted / "file").write_text("mine")
    (mounted / "absolute").symlink_to(outside / "secret")
    (mounted / "relative").symlink_to("../outside/secret")
    (mounted / "up").symlink_to("../outside")
    (mounted / "inner" / "back").symlink_to("../up")
    (mounted / "chain").symlink_to("inner/back/secret")
    (mounted / "second").symlink_to("relative")
    (mounted / "dangling").symlink_to("../outside/new")
    os.mkfifo(mounted / "pipe")
    os.mknod(mounted / "socket", 0o140600)
    options = WorkerOptions(mounts=(HostMount(host_path=mounted, allow_writes=True),))
    with shared_worker(options) as sandbox:
        yield Place(outside, sandbox)


@pytest.mark.parametrize("name", READS)
def test_nothing_outside_is_read(place: Place, name: str) -> None:
    with contextlib.suppress(WorkerDiedError):
        said = place.run(READS[name])
        assert said
        assert SECRET not in said
        assert "SyntaxError" not in said
        assert "NameError" not in said


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_outside_is_changed(place: Place, name: str) -> None:
    before = place.described()
    with contextlib.suppress(WorkerDiedError):
        said = place.run(CHANGES[name])
        assert "NameError" not in said
    assert place.described() == before
    assert (place.outside / "secret").read_text() == SECRET


def test_links_that_stay_inside_work(place: Place) -> None:
    code = "(os.symlink('../file', M + '/inner/good'), open(M + '/inner/good').read())"
    assert place.run(code).strip() == "(None, 'mine')"


def test_no_error_tells_where_a_mount_is_on_the_host(place: Place) -> None:
    texts = [place.run(code) for code in (READS["relative link of its own"], "1 / 0")]
    host_path = json.dumps(str(place.outside.parent))[1:-1]
    assert not any(host_path + "/mounted" in text for text in texts)
