"""``%pip``; and what people try instead of it."""

import argparse
import shlex
from typing import NoReturn

from IPython.core.magic import Magics, line_magic, magics_class

from runt_kernel import _pip
from runt_kernel._packages import PackageError

_USE_PIP = "packages are installed by %pip here, e.g. %pip install {example}"

_REFUSED = {
    _pip.INDEX_IS_FIXED: (
        *("-i", "--index-url", "--extra-index-url", "-f", "--find-links"),
    ),
    "nothing can be built in the sandbox; put the directory on sys.path": (
        *("-e", "--editable"),
    ),
    "packages have one place in the sandbox": (
        *("-t", "--target", "--prefix", "--root"),
    ),
}
"""Why some options are refused, and which."""

_IGNORED = (
    ("-v", "--verbose"),
    ("--user",),
    ("--no-cache-dir",),
    ("--no-input",),
    ("--no-index",),
    ("--prefer-binary",),
    ("--force-reinstall",),
    ("--break-system-packages",),
    ("--disable-pip-version-check",),
    ("--root-user-action",),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise PackageError(f"%pip {self.prog}: {message}")


class _Refuse(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        raise PackageError(str(self.help))


@magics_class
class PipMagics(Magics):
    """``%pip`` and its kin."""

    @line_magic
    def pip(self, line: str) -> None:
        """Install, list, show and uninstall packages: ``%pip install NAME``."""
        words = shlex.split(line, comments=True)
        command, arguments = (words[0], words[1:]) if words else ("help", [])
        run = {
            "install": _install,
            "uninstall": _uninstall,
            "list": _list,
            "freeze": _freeze,
            "show": _show,
            "help": _help,
            "--help": _help,
            "--version": _help,
        }.get(command)
        if run is None:
            raise PackageError(
                f"%pip {command} does not exist here; "
                "there are install, uninstall, list, freeze and show"
            )
        run(arguments)

    @line_magic
    def conda(self, line: str) -> None:
        """Point to ``%pip``."""
        names = [it for it in line.split()[1:] if not it.startswith("-")]
        raise PackageError(_USE_PIP.format(example=" ".join(names) or "NAME"))

    mamba = line_magic("mamba")(conda)
    micromamba = line_magic("micromamba")(conda)
    uv = line_magic("uv")(conda)


def _install(arguments: list[str]) -> None:
    parser = _Parser(prog="install", allow_abbrev=False)
    parser.add_argument("wanted", nargs="*", metavar="NAME|WHEEL")
    parser.add_argument("-r", "--requirement", action="append", default=[])
    parser.add_argument("-c", "--constraint", action="append", default=[])
    parser.add_argument("-U", "--upgrade", action="store_true")
    parser.add_argument("-q", "--quiet", action="count", default=0)
    parser.add_argument("--pre", action="store_true")
    parser.add_argument("--no-deps", action="store_true")
    for names in _IGNORED:
        parser.add_argument(*names, action="store_true", help=argparse.SUPPRESS)
    for reason, names in _REFUSED.items():
        parser.add_argument(*names, action=_Refuse, help=reason)
    given = parser.parse_intermixed_args(arguments)
    options = _pip.InstallOptions(
        upgrade=given.upgrade, pre=given.pre, no_deps=given.no_deps
    )
    if given.quiet:
        options.tell = _say_nothing
    wanted = list(given.wanted)
    for path in given.requirement:
        wanted += _pip.read_requirements(path, options)
    for path in given.constraint:
        _pip.read_requirements(path, options, constraint=True)
    if not (wanted or given.requirement):
        raise PackageError("%pip install what? e.g. %pip install humanize")
    _pip.install(wanted, options)


def _uninstall(arguments: list[str]) -> None:
    parser = _Parser(prog="uninstall")
    parser.add_argument("names", nargs="+")
    parser.add_argument("-y", "--yes", action="store_true")
    _pip.uninstall(parser.parse_args(arguments).names, print)


def _list(_arguments: list[str]) -> None:
    rows = [("Package", "Version")]
    rows += [(it.metadata["Name"], it.version) for it in _pip.installed()]
    width = max(len(name) for name, _ in rows)
    rows.insert(1, ("-" * width, "-" * max(len(version) for _, version in rows)))
    print("\n".join(f"{name:{width}} {version}" for name, version in rows))


def _freeze(_arguments: list[str]) -> None:
    for it in _pip.installed():
        print(f"{it.metadata['Name']}=={it.version}")


def _show(arguments: list[str]) -> None:
    names = [it for it in arguments if not it.startswith("-")]
    print("\n---\n".join(_pip.show(name) for name in names))


def _help(_arguments: list[str]) -> None:
    print(
        "%pip install NAME[==VERSION]… | -r FILE | WHEEL   from the package index, a\n"
        "                                                  mount or the package cache\n"
        "%pip uninstall NAME…\n"
        "%pip list | freeze\n"
        "%pip show NAME…"
    )


def _say_nothing(_line: str) -> None:
    pass
