"""``%pip`` and ``import`` in a real sandbox, by an index on this machine."""

import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runt_worker import Error, HostMount, WorkerOptions, prepare
from runt_worker._bytecode import BytecodeCompiler
from runt_worker._packages import InstalledPackage
from runt_worker._packages._installation import SandboxEnvironment
from runt_worker._packages._installation._environment import MARKERS
from runt_worker.testing import Ran, SharedWorker, shared_worker

if TYPE_CHECKING:
    from .conftest import Index

ANSI = re.compile(r"\x1b\[[0-9;]*m")
NOWHERE = "http://127.0.0.1:9/"


@dataclass
class Sandbox:
    """A sandbox with a cache of its own, whose only index is ours.

    Attributes:
        cache_dir: What it keeps.
        data: A directory of the host, mounted.
    """

    shared: SharedWorker
    cache_dir: Path
    data: Path

    def run(self, code: str) -> Ran:
        return self.shared.run(code)

    def text(self, code: str) -> str:
        """Run a cell that must end well, and return what it printed."""
        ran = self.run(code)
        assert ran.status == "ok", ran.outputs
        return ran.text()

    def error(self, code: str) -> str:
        """Run a cell that must fail, and return its error's text."""
        ran = self.run(code)
        [error] = ran.of_type(Error)
        assert "Traceback" not in "".join(error.traceback), "it is for people"
        return f"{error.ename}: {error.evalue}"

    @property
    def mount(self) -> str:
        return "/mnt/" + re.sub(r"[^A-Za-z0-9_]", "_", str(self.data))


def copy_cache(packages: tuple[InstalledPackage, ...], source: Path, to: Path) -> None:
    """Make a cache that holds Pyodide and these packages."""
    shutil.copytree(source / "pyodide", to / "pyodide")
    for package in packages:
        for place in ("wheels", "unpacked"):
            shutil.copytree(
                source / place / package.sha256, to / place / package.sha256
            )


@pytest.fixture(scope="module")
def sandbox(
    module_index: "Index", tmp_path_factory: pytest.TempPathFactory
) -> Generator[Sandbox]:
    index = module_index
    index.add("spam", "1.0", ["eggs>=1"])
    index.add("spam", "2.0", ["eggs>=1", "salt; extra == 'full'"])
    index.add("eggs", "1.5")
    index.add("salt", "1.0")
    index.add("offline", "1.0")
    index.add("six", "9.9")
    index.add_source("sources", "1.0")
    home = WorkerOptions().cache_dir
    assets = prepare(WorkerOptions())
    root = tmp_path_factory.mktemp("sandbox")
    data, cache_dir = root / "data", root / "cache"
    data.mkdir()
    packages = assets.packages.ensure(["numpy", "six", "pytz", "cycler"])
    copy_cache((*assets.kernel, *packages), home, cache_dir)
    for package in packages[-2:]:
        shutil.rmtree(cache_dir / "unpacked" / package.sha256)
    options = WorkerOptions(
        cache_dir=cache_dir,
        mounts=(HostMount(host_path=data),),
        mirror_url=NOWHERE,
        use_image=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_INDEX_URL", f"{index.web.url}simple/")
        patch.setenv("PIP_EXTRA_INDEX_URL", "file:///none")
        with shared_worker(options) as shared:
            yield Sandbox(shared, cache_dir, data)


def test_a_package_and_what_it_needs_can_be_imported_at_once(sandbox: Sandbox) -> None:
    text = sandbox.text("%pip install spam==1.0")
    assert "Loading eggs 1.5, spam 1.0 (" in text
    assert text.endswith("Installed eggs 1.5, spam 1.0\n")
    code = "import spam, eggs, importlib.metadata as m; print(m.version('spam'))"
    assert sandbox.text(code) == "1.0\n"
    assert "already satisfied: spam 1.0" in sandbox.text("%pip install spam")


def test_another_version_takes_its_place_and_says_what_stays(sandbox: Sandbox) -> None:
    sandbox.text("%pip install spam==1.0\nimport spam")
    text = sandbox.text("%pip install -U spam[full]")
    assert "Installed salt 1.0, spam 2.0" in text
    assert "spam 1.0 is imported already" in text
    code = "import importlib.metadata as m; print(spam.version, m.version('spam'))"
    assert sandbox.text(code) == "1.0 2.0\n"
    assert (
        sandbox.text(
            "import sys; del sys.modules['spam']; import spam\nprint(spam.version)"
        )
        == "2.0\n"
    )


def test_uninstalled_is_gone(sandbox: Sandbox) -> None:
    sandbox.text("%pip install -q salt")
    assert "Uninstalled salt 1.0" in sandbox.text("%pip uninstall -y salt")
    assert sandbox.run("import salt").status == "ModuleNotFoundError"
    assert "salt is not installed" in sandbox.text("%pip uninstall -y salt")
    assert "itself needs ipython" in sandbox.error("%pip uninstall ipython")


def test_numpy_comes_from_pyodide(sandbox: Sandbox) -> None:
    assert "numpy 2." in sandbox.text("%pip install numpy")
    assert sandbox.text("import numpy; print(numpy.arange(3).sum())") == "3\n"


def test_pyodides_six_can_be_replaced_by_a_newer_one(sandbox: Sandbox) -> None:
    assert sandbox.text("import six; print(six.__version__[:2])") == "1.\n"
    sandbox.text("%pip install six==9.9")
    code = "import sys; del sys.modules['six']; import six; print(six.version)"
    assert sandbox.text(code) == "9.9\n"


def test_micropip_is_the_same(sandbox: Sandbox) -> None:
    sandbox.text("%pip uninstall -y salt")
    code = "import micropip; await micropip.install(['salt'])\nimport salt"
    assert "Installed salt 1.0" in sandbox.text(code)
    assert "salt" in sandbox.text("print(micropip.list())")
    assert "salt==1.0\n" in sandbox.text("print(micropip.freeze())")
    error = sandbox.error(
        "await micropip.install('https://example.org/x-1-py3-none-any.whl')"
    )
    assert "nowhere else" in error
    error = sandbox.error("await micropip.install('salt', index_urls='https://x')")
    assert "outside the sandbox" in error
    code = "try: await micropip.install('missing')\nexcept ValueError: print('no')"
    assert sandbox.text(code) == "no\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%pip install no-such-project", "no project 'no-such-project'"),
        ("%pip install sources", "1.0 is a source archive only"),
        ("%pip install spam==7", "versions with a wheel that works here: 2.0, 1.0"),
        ("%pip install", "%pip install what?"),
        ("%pip install --index-url http://127.0.0.1 spam", "outside the sandbox"),
        ("%pip install -e .", "nothing can be built"),
        ("%pip install git+https://example.org/x", "nowhere else"),
        ("%pip install --bogus spam", "unrecognized"),
        ("%pip download spam", "%pip download does not exist"),
        ("%pip show nothing", "nothing is not installed"),
        ("%conda install -y scipy", "%pip install scipy"),
        ("!pip install spam", "%pip does this without one"),
        ("%pip install /none/x-1-py3-none-any.whl", "does not exist"),
        ("%pip install -r /none.txt", "cannot be read"),
    ],
)
def test_what_does_not_work_says_what_does(
    sandbox: Sandbox, line: str, expected: str
) -> None:
    assert expected in str(sandbox.run(line).of_type(Error)[0].evalue)


def test_list_and_show(sandbox: Sandbox) -> None:
    sandbox.text("%pip install -q spam")
    assert re.search(r"^spam +\d", sandbox.text("%pip list"), re.MULTILINE)
    shown = sandbox.text("%pip show spam")
    assert "Name: spam\n" in shown
    assert "Requires: eggs\n" in shown
    assert "Required-by: spam\n" in sandbox.text("%pip show eggs")


def test_requirements_and_wheels_of_a_mount(
    sandbox: Sandbox, module_index: "Index"
) -> None:
    entry = module_index.add("mounted", "1.0", ["eggs", "salt; extra == 'full'"])
    wheel = module_index.web.pages[entry["url"].lstrip("/")][1]
    (sandbox.data / "mounted-1.0-py3-none-any.whl").write_bytes(wheel)
    (sandbox.data / "more.txt").write_text("./mounted-1.0-py3-none-any.whl\n")
    (sandbox.data / "requirements.txt").write_text("# mine\nspam>1\n-r more.txt\n")
    sandbox.text("%pip uninstall -y spam eggs")
    before = len(module_index.web.requests)
    text = sandbox.text(f"%pip install -r {sandbox.mount}/requirements.txt")
    assert "Installed eggs 1.5, mounted 1.0, spam 2.0" in text
    assert "files/mounted-1.0" not in str(module_index.web.requests[before:])
    code = "import mounted; print(mounted.__file__)"
    assert sandbox.text(code).startswith("/home/pyodide/.local/")
    assert "mounted" in sandbox.text("%pip list")
    assert "Uninstalled mounted 1.0" in sandbox.text("%pip uninstall -y mounted")
    code = "import sys; del sys.modules['mounted']\nimport mounted"
    assert sandbox.run(code).status == "ModuleNotFoundError"
    # The cache, which all sandboxes share, has not seen the guest's wheel.
    assert not list(sandbox.cache_dir.rglob("mounted*"))


def test_a_wheel_with_other_bytes_is_refused_loudly(
    sandbox: Sandbox, module_index: "Index"
) -> None:
    entry = module_index.add("forged", "1.0")
    module_index.web.add(entry["url"].lstrip("/"), b"evil")
    error = sandbox.error("%pip install forged")
    assert "refused" in error
    assert "expected SHA-256" in error


def test_an_import_is_announced_in_one_line_when_something_comes(
    sandbox: Sandbox,
) -> None:
    ran = sandbox.run("import pytz")
    assert re.fullmatch(r"Loading pytz \(\d+ kB, \d+\.\d s\)\n", ran.text("stderr")), (
        ran.outputs
    )
    assert sandbox.run("import numpy").text("stderr") == "", "it is unpacked"

    ran = sandbox.run("import jinja2")
    assert ran.status == "ModuleNotFoundError"
    assert ran.text("stderr") == "Loading jinja2, markupsafe … failed\n"
    [error] = ran.of_type(Error)
    for part in ("No module named 'jinja2' yet", "cannot be reached", "runt setup"):
        assert part in error.evalue


def test_a_library_that_tries_what_it_can_do_without_asks_nobody(
    sandbox: Sandbox, module_index: "Index"
) -> None:
    source = "try: import jinja2\nexcept ImportError: found = False"
    source += "\ndef later(): import jinja2"
    module_index.add("tries", "1.0", source=source)
    ran = sandbox.run("%pip install -q tries\nimport tries; print(tries.found)")
    assert (ran.text(), ran.text("stderr")) == ("False\n", "")
    # What it imports when a cell calls it may be wanted, but nobody has asked aloud.
    ran = sandbox.run("tries.later()")
    assert (ran.status, ran.text("stderr")) == ("ModuleNotFoundError", "")
    assert "'jinja2' yet" in ran.of_type(Error)[0].evalue
    source = "def later(): import cycler"
    module_index.add("calls", "1.0", source=source)
    ran = sandbox.run("%pip install -q calls\nimport calls; calls.later()")
    assert re.fullmatch(r"Loading cycler \(.*\)\n", ran.text("stderr")), ran.outputs


def test_failing_again_costs_little(sandbox: Sandbox) -> None:
    code = """
import time
for number in range(2):
    start = time.monotonic()
    try:
        import scikit_image, skimage
    except ImportError:
        pass
    took = time.monotonic() - start
print(took < 1)
"""
    assert sandbox.text(code) == "True\n"


def test_what_was_installed_once_needs_no_network(
    sandbox: Sandbox, module_index: "Index"
) -> None:
    sandbox.text("%pip install -q offline")
    page = module_index.web.pages.pop("simple/offline/")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PIP_INDEX_URL", f"{NOWHERE}simple/")
            options = WorkerOptions(
                cache_dir=sandbox.cache_dir, mirror_url=NOWHERE, use_image=False
            )
            with shared_worker(options) as shared:
                ran = shared.run("%pip install offline\nimport offline")
                assert (ran.status, ran.text()) == ("ok", "Installed offline 1.0\n")
    finally:
        module_index.web.pages["simple/offline/"] = page


def test_requirements_are_there_from_the_start_and_after_a_restart(
    sandbox: Sandbox,
) -> None:
    options = WorkerOptions(
        cache_dir=sandbox.cache_dir,
        mirror_url=NOWHERE,
        use_image=False,
        requirements=("spam==1.0", "numpy"),
    )
    assets = prepare(options)
    spam = next(it for it in assets.requested if it.name == "spam")
    BytecodeCompiler(assets.installation).compile([spam])
    code = "import spam, numpy; print(spam.version)"
    with shared_worker(options) as shared:
        count = "from importlib.machinery import SourceFileLoader as Loader\n"
        count += "from pathlib import Path; Path('control.py').touch()\n"
        count += "compiled, old = [], Loader.source_to_code\n"
        count += "def spy(self, data, path, **options):\n"
        count += "    compiled.append(self.name)\n"
        count += "    return old(self, data, path, **options)\n"
        count += "Loader.source_to_code = spy\n"
        count += "import spam, control; print(compiled)"
        assert shared.run(count).text() == "['control']\n", "spam has bytecode"
        assert shared.run(code).text() == "1.0\n"
        shared.call(shared.worker.restart)
        assert shared.run(code).text() == "1.0\n"


def test_the_environment_is_what_resolving_takes_it_for(sandbox: Sandbox) -> None:
    code = """
import os, platform, sys, sysconfig
print({
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
})
print(sysconfig.get_config_var("PYEMSCRIPTEN_PLATFORM_VERSION"))
"""
    markers, abi_version = sandbox.text(code).splitlines()
    assert markers == str(MARKERS)
    environment = SandboxEnvironment(abi_version=abi_version)
    best = environment.wheel_rank(f"x-1-cp314-cp314-pyodide_{abi_version}_wasm32.whl")
    assert best == 0
