"""Any sequence of operations, against a model that resolves paths by itself.

The model is a second tree that plain `os` functions change. Whether and where a path
leads inside it, `Model.resolve` says, written apart from ours: by text, name after
name. Beside both trees lies a directory that no operation may touch.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from runt_vfs import (
    GuestPath,
    LeavesMountError,
    OpenFlag,
    RequestError,
    VfsError,
    _system,
    open_host_directory,
)

PART = st.sampled_from(["a", "b", "c"])
PATH = st.lists(PART, min_size=1, max_size=3).map("/".join)
TARGET = st.lists(PART | st.just("..") | st.just("."), min_size=1, max_size=5).map(
    "/".join
)
PLANTED = st.sampled_from(
    ["../outside", "../../outside", "../outside/secret", "/", "../root/a", "a/../../b"]
)
FLAGS = st.sampled_from(
    [
        OpenFlag.READ,
        OpenFlag.WRITE,
        OpenFlag.WRITE | OpenFlag.CREATE,
        OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE,
        OpenFlag.READ | OpenFlag.NOFOLLOW,
    ]
)
NUMBERS = {
    OpenFlag.READ: os.O_RDONLY,
    OpenFlag.WRITE: os.O_WRONLY,
    OpenFlag.CREATE: os.O_CREAT,
    OpenFlag.EXCLUSIVE: os.O_EXCL,
    OpenFlag.NOFOLLOW: os.O_NOFOLLOW,
}


class LeavesError(Exception):
    """The model says that this path leads out."""


class Model:
    def __init__(self, root: Path) -> None:
        self.root = root

    def resolve(self, text: str, *, follow: bool) -> Path:
        here, rest, links = self.root, text.split("/"), 0
        while rest:
            name, *rest = rest
            if name in ("", "."):
                continue
            if name == "..":
                if here == self.root:
                    raise LeavesError
                here = here.parent
                continue
            there = here / name
            if there.is_symlink() and (rest or follow):
                links += 1
                if links > 40:
                    raise OSError(errno.ELOOP, "")
                target = os.readlink(there)  # noqa: PTH115 - the text as it stands
                if target.startswith("/"):
                    raise LeavesError
                rest = target.split("/") + rest
                continue
            if rest and not there.is_dir():
                raise OSError(errno.ENOTDIR if there.exists() else errno.ENOENT, "")
            here = there
        return here

    def open(self, text: str, flags: OpenFlag) -> None:
        fresh = OpenFlag.CREATE | OpenFlag.EXCLUSIVE in flags
        follow = not (fresh or OpenFlag.NOFOLLOW in flags)
        number = 0
        for flag in flags:
            number |= NUMBERS[flag]
        descriptor = os.open(self.resolve(text, follow=follow), number, 0o666)
        if OpenFlag.WRITE in flags:
            os.write(descriptor, text.encode())
        os.close(descriptor)


def snapshot(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = os.readlink(path)  # noqa: PTH115 - the text as it stands
        else:
            found[name] = (
                oct(path.stat().st_mode),
                path.read_bytes() if path.is_file() else None,
            )
    return found


class DirectoryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.trees = (self.place / "real" / "root", self.place / "model" / "root")
        for tree in self.trees:
            tree.mkdir(parents=True)
            (tree.parent / "outside").mkdir()
            (tree.parent / "outside" / "secret").write_text("secret")
        self.outside = snapshot(self.trees[0].parent / "outside")
        self.mount = open_host_directory(self.trees[0], allow_writes=True)
        self.model = Model(self.trees[1])

    def teardown(self) -> None:
        self.mount.unmount()
        shutil.rmtree(self.place)

    def compare(
        self, real: Callable[[], object], modelled: Callable[[], object]
    ) -> None:
        """Do the same to both trees; the outcomes have to agree."""
        try:
            expected, outcome = None, modelled()
        except LeavesError:
            expected, outcome = LeavesMountError, None
        except OSError as error:
            expected, outcome = error.errno, None
        try:
            assert real() == outcome, "the model gives something else"
            found = None
        except LeavesMountError:
            found = LeavesMountError
        except VfsError as error:
            found = error.errno
        assert found == expected

    def compare_move(
        self, real: Callable[[], object], modelled: Callable[[], object]
    ) -> None:
        """Do the same to both trees, unless ours refuses where a link would lead.

        Where two paths are wrong, the error may be that of either.
        """
        try:
            real()
        except LeavesMountError:
            return
        except VfsError:
            with pytest.raises((OSError, LeavesError)):
                modelled()
        else:
            modelled()

    @rule(text=PATH)
    def mkdir(self, text: str) -> None:
        self.compare(
            lambda: self.mount.mkdir(GuestPath.parse(text)),
            lambda: self.model.resolve(text, follow=False).mkdir(),
        )

    @rule(text=PATH)
    def rmdir(self, text: str) -> None:
        self.compare(
            lambda: self.mount.rmdir(GuestPath.parse(text)),
            lambda: self.model.resolve(text, follow=False).rmdir(),
        )

    @rule(text=PATH)
    def unlink(self, text: str) -> None:
        self.compare(
            lambda: self.mount.unlink(GuestPath.parse(text)),
            lambda: self.model.resolve(text, follow=False).unlink(),
        )

    @rule(text=PATH, flags=FLAGS)
    def open(self, text: str, flags: OpenFlag) -> None:
        def real() -> None:
            handle = self.mount.open(GuestPath.parse(text), flags)
            if OpenFlag.WRITE in flags:
                self.mount.pwrite(handle, text.encode(), 0)
            self.mount.close(handle)

        self.compare(real, lambda: self.model.open(text, flags))

    @rule(text=PATH, follow=st.booleans())
    def stat(self, text: str, *, follow: bool) -> None:
        def real() -> int:
            look = self.mount.stat if follow else self.mount.lstat
            return look(GuestPath.parse(text)).mode

        self.compare(
            real, lambda: self.model.resolve(text, follow=follow).lstat().st_mode
        )

    @rule(text=PATH)
    def listing(self, text: str) -> None:
        self.compare(
            lambda: {
                entry.name: entry.stat.mode
                for entry in self.mount.readdir(GuestPath.parse(text))
            },
            lambda: {
                path.name: path.lstat().st_mode
                for path in self.model.resolve(text, follow=True).iterdir()
            },
        )

    @rule(text=PATH, mode=st.sampled_from([0o700, 0o755, 0o4711]))
    def chmod(self, text: str, mode: int) -> None:
        self.compare(
            lambda: self.mount.chmod(GuestPath.parse(text), mode),
            lambda: self.model.resolve(text, follow=True).chmod(mode & 0o777),
        )

    @rule(text=PATH, goal=TARGET)
    def symlink(self, text: str, goal: str) -> None:
        self.compare_move(
            lambda: self.mount.symlink(goal, GuestPath.parse(text)),
            lambda: self.model.resolve(text, follow=False).symlink_to(goal),
        )

    @rule(text=PATH, new=PATH)
    def rename(self, text: str, new: str) -> None:
        self.compare_move(
            lambda: self.mount.rename(GuestPath.parse(text), GuestPath.parse(new)),
            lambda: os.rename(  # noqa: PTH104 - as plain as it gets
                self.model.resolve(text, follow=False),
                self.model.resolve(new, follow=False),
            ),
        )

    @rule(text=PATH, new=PATH)
    def link(self, text: str, new: str) -> None:
        self.compare_move(
            lambda: self.mount.link(GuestPath.parse(text), GuestPath.parse(new)),
            lambda: os.link(
                self.model.resolve(text, follow=False),
                self.model.resolve(new, follow=False),
                follow_symlinks=False,
            ),
        )

    @rule(text=PATH, goal=PLANTED)
    def host_plants_a_link(self, text: str, goal: str) -> None:
        for tree in self.trees:
            with contextlib.suppress(OSError):
                parent = Path(os.path.realpath((tree / text).parent))
                if parent.is_relative_to(tree):
                    (parent / (tree / text).name).symlink_to(goal)

    @invariant()
    def outside_is_untouched(self) -> None:
        for tree in self.trees:
            assert snapshot(tree.parent / "outside") == self.outside

    @invariant()
    def trees_agree(self) -> None:
        assert snapshot(self.trees[0]) == snapshot(self.trees[1])

    @invariant()
    def links_of_the_guest_stay_inside(self) -> None:
        planted = ("/", "../outside", "../../outside", "../root", "a/../../b")
        for name, target in snapshot(self.trees[0]).items():
            if isinstance(target, str) and not target.startswith(planted):
                ended = os.path.normpath(f"{name}/../{target}")
                assert not ended.startswith(".."), (name, target)


@pytest.mark.parametrize("kind", ["kernel", "walking"])
def test_nothing_resolves_outside_its_root(kind: str) -> None:
    with contextlib.ExitStack() as stack:
        if kind == "walking":
            stack.enter_context(
                mock.patch.object(_system, "has_open_beneath", return_value=False)
            )
        run_state_machine_as_test(
            DirectoryMachine,
            settings=settings(max_examples=40, stateful_step_count=30, deadline=None),
        )


def test_the_root_is_no_entry() -> None:
    # The machine leaves it out: systems differ in what they say of it.
    with (
        tempfile.TemporaryDirectory() as place,
        open_host_directory(place, allow_writes=True) as mounted,
        pytest.raises(RequestError),
    ):
        mounted.rmdir(GuestPath.parse(""))
