"""``%ls``, ``%cat``, ``%cp`` and their like, without the shell that IPython asks.

They know the options that people use; another one is an error.
"""

import cmd
import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

_LINE_CHARACTERS = 80
_UNIT_STEP = 1024


class _Entry(NamedTuple):
    path: Path
    name: str
    status: os.stat_result

    @property
    def kind(self) -> int:
        return stat.S_IFMT(self.status.st_mode)

    @property
    def is_executable(self) -> bool:
        return self.kind == stat.S_IFREG and bool(self.status.st_mode & stat.S_IXUSR)

    @property
    def marked_name(self) -> str:
        marks = {stat.S_IFDIR: "/", stat.S_IFLNK: "@"}
        return self.name + marks.get(self.kind, "*" if self.is_executable else "")


_Wanted = Callable[[_Entry], bool]


@magics_class
class FileMagics(Magics):
    """The commands for files that IPython knows as aliases."""

    @line_magic
    def ls(self, line: str) -> None:
        """List files: ``%ls [-a] [-l] [-1] [-F] [-h] [PATH…]``."""
        _list("ls", line, lambda _: True)

    @line_magic
    def ll(self, line: str) -> None:
        """List files, with size and time."""
        _list("ll", f"-l {line}", lambda _: True)

    @line_magic
    def lf(self, line: str) -> None:
        """List regular files."""
        _list("lf", f"-l {line}", lambda entry: entry.kind == stat.S_IFREG)

    @line_magic
    def lk(self, line: str) -> None:
        """List symbolic links."""
        _list("lk", f"-l {line}", lambda entry: entry.kind == stat.S_IFLNK)

    @line_magic
    def ldir(self, line: str) -> None:
        """List directories."""
        _list("ldir", f"-l {line}", lambda entry: entry.kind == stat.S_IFDIR)

    @line_magic
    def lx(self, line: str) -> None:
        """List executable files."""
        _list("lx", f"-l {line}", lambda entry: entry.is_executable)

    @line_magic
    def cat(self, line: str) -> None:
        """Print files: ``%cat FILE…``."""
        _, paths = _parse("cat", line, "", at_least=1)
        for path in paths:
            sys.stdout.write(path.read_text(encoding="utf-8", errors="replace"))

    @line_magic
    def cp(self, line: str) -> None:
        """Copy files, or directories with ``-r``: ``%cp [-r] FROM… TO``."""
        options, (*sources, target) = _parse("cp", line, "rRafp", at_least=2)
        for source, place in _places(sources, target):
            if source.is_dir() and options & {"r", "R", "a"}:
                shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(source, place)

    @line_magic
    def mv(self, line: str) -> None:
        """Move files and directories: ``%mv FROM… TO``."""
        _, (*sources, target) = _parse("mv", line, "f", at_least=2)
        for source, place in _places(sources, target):
            shutil.move(source, place)

    @line_magic
    def rm(self, line: str) -> None:
        """Remove files, and directories with ``-r``: ``%rm [-r] [-f] PATH…``."""
        options, paths = _parse("rm", line, "rRf", at_least=1)
        for path in paths:
            if options & {"r", "R"} and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok="f" in options)

    @line_magic
    def mkdir(self, line: str) -> None:
        """Make directories, and with ``-p`` those above them: ``%mkdir [-p] PATH…``."""
        options, paths = _parse("mkdir", line, "p", at_least=1)
        for path in paths:
            path.mkdir(parents="p" in options, exist_ok="p" in options)

    @line_magic
    def rmdir(self, line: str) -> None:
        """Remove empty directories: ``%rmdir PATH…``."""
        _, paths = _parse("rmdir", line, "", at_least=1)
        for path in paths:
            path.rmdir()


def _parse(
    magic: str, line: str, known: str, *, at_least: int
) -> tuple[set[str], list[Path]]:
    """Return the letters of the options and the paths, patterns expanded."""
    words = shlex.split(line)
    options = {letter for word in words if _is_option(word) for letter in word[1:]}
    if unknown := options - set(known):
        raise UsageError(f"%{magic} does not know the option -{min(unknown)}")
    patterns = [word for word in words if not _is_option(word)]
    if len(patterns) < at_least:
        raise UsageError(f"%{magic} needs {at_least} or more paths")
    paths = [path for pattern in patterns for path in _expanded(pattern)]
    return options, [Path(path) for path in paths]


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _expanded(pattern: str) -> list[str]:
    path = str(Path(pattern).expanduser())
    if not has_magic(path):
        return [path]
    return sorted(glob(path)) or [path]  # noqa: PTH207 (of absolute ones too)


def _places(sources: list[Path], target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each source with what it is to be called."""
    if len(sources) > 1 and not target.is_dir():
        raise NotADirectoryError(f"{target} is not a directory")
    for source in sources:
        yield source, target / source.name if target.is_dir() else target


def _list(magic: str, line: str, wanted: _Wanted) -> None:
    options, paths = _parse(magic, line, "al1AFhGtr", at_least=0)
    files = [path for path in paths if not path.is_dir()]
    directories = [path for path in paths or [Path()] if path.is_dir()]
    _show([_entry(path, str(path)) for path in files], options, wanted)
    for directory in directories:
        if len(paths) > 1:
            sys.stdout.write(f"{directory}:\n")
        entries = [_entry(path, path.name) for path in directory.iterdir()]
        is_all = options & {"a", "A"}
        _show([e for e in entries if is_all or e.name[0] != "."], options, wanted)


def _entry(path: Path, name: str) -> _Entry:
    return _Entry(path, name, path.lstat())


def _show(entries: list[_Entry], options: set[str], wanted: _Wanted) -> None:
    by_time = "t" in options
    shown = sorted(
        filter(wanted, entries),
        key=lambda entry: (-entry.status.st_mtime if by_time else 0, entry.name),
        reverse="r" in options,
    )
    if "l" in options:
        lines = [_long(entry, readable="h" in options) for entry in shown]
        sys.stdout.writelines(f"{line}\n" for line in lines)
    elif "1" in options:
        sys.stdout.writelines(f"{entry.marked_name}\n" for entry in shown)
    elif shown:
        names = [entry.marked_name for entry in shown]
        cmd.Cmd(stdout=sys.stdout).columnize(names, _LINE_CHARACTERS)


def _long(entry: _Entry, *, readable: bool) -> str:
    status = entry.status
    size = _readable(status.st_size) if readable else str(status.st_size)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.st_mtime))
    target = f" -> {entry.path.readlink()}" if entry.kind == stat.S_IFLNK else ""
    mode = stat.filemode(status.st_mode)
    return f"{mode} {size:>12} {when} {entry.marked_name}{target}"


def _readable(size_bytes: int) -> str:
    size: float = size_bytes
    for unit in ("", "K", "M"):
        if size < _UNIT_STEP:
            return f"{size:.{1 if unit else 0}f}{unit}"
        size /= _UNIT_STEP
    return f"{size:.1f}G"
