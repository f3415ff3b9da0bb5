"""`runt packages` and requirements, in the real command."""

from pathlib import Path

import pytest
from runt_command import runt


def script(folder: Path, *lines: str, code: str = "") -> Path:
    path = folder / "script.py"
    block = "".join(f"# {line}\n" for line in ("/// script", *lines, "///"))
    path.write_text(f"{block}{code}\n")
    return path


def test_what_was_fetched_is_listed() -> None:
    status, out, err = runt("packages", "fetch", "six", "humanize==4.9.0")
    assert (status, out.splitlines()) == (0, ["humanize 4.9.0", "six 1.17.0"]), err
    status, out, _ = runt("packages", "list")
    assert status == 0
    rows = [line.split(maxsplit=4) for line in out.splitlines()]
    assert ["humanize", "4.9.0", "127", "kB", "the Python package index"] in rows
    assert "Pyodide" in next(row[4] for row in rows if row[0] == "six")
    _, out, _ = runt("packages", "path")
    assert (Path(out.strip()) / "wheels").is_dir()


def test_an_empty_cache(tmp_path: Path) -> None:
    # The first command fetches Pyodide, but no package.
    status, out, err = runt("packages", "list", XDG_CACHE_HOME=str(tmp_path))
    assert (status, out) == (0, ""), err
    wheel = tmp_path / "spam-1-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    status, _, err = runt("packages", "add", wheel, XDG_CACHE_HOME=str(tmp_path))
    assert (status, err) == (
        2,
        f"Error: {wheel.name} was not unpacked: File is not a zip file\n",
    )
    status, out, _ = runt("packages", "prune", "--all", XDG_CACHE_HOME=str(tmp_path))
    assert (status, out) == (0, "Freed 0 kB\n")


def test_setup_fetches_packages_ahead() -> None:
    status, out, err = runt("setup", "--packages", "six, pytz")
    assert status == 0, err
    assert out.startswith("pytz ")
    status, _, err = runt("setup", "--packages", "no-such-project-of-ours")
    assert status == 2
    assert err.startswith("Error: no-such-project-of-ours cannot be installed")


def test_a_scripts_dependencies_are_there_before_its_first_cell(tmp_path: Path) -> None:
    code = "import humanize, importlib.metadata as m; print(m.version('humanize'))"
    path = script(
        tmp_path,
        'requires-python = ">=3.12"',
        'dependencies = ["humanize<4.10", "six"]',
        code=code,
    )
    limits = tmp_path / "limits.txt"
    limits.write_text("humanize==4.9.0\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("-c limits.txt\n")
    status, out, err = runt("run", path, "-r", requirements)
    assert (status, out) == (0, "4.9.0\n"), err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('requires-python = "<3.13"', "requires-python = <3.13: the sandbox has"),
        ('dependencies = ["psutil"]', "psutil cannot be installed in the sandbox."),
        ('dependencies = ["x @ file:///x"]', "x @ file:///x: packages come from"),
        ("dependencies = 1", "In the block `# /// script`, dependencies is a list"),
    ],
)
def test_what_a_script_cannot_have_ends_it_before_its_first_cell(
    tmp_path: Path, line: str, sentence: str
) -> None:
    path = script(tmp_path, line, code="print('ran')")
    status, out, err = runt("run", path)
    assert (status, out) == (2, "")
    assert err.startswith(f"Error: {sentence}")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-r", "/none.txt"], "/none.txt: it cannot be read"),
        (["--packages", "/none"], "--packages /none: there is no such directory"),
        (["--packages-mirror", "ftp://x"], "--packages-mirror ftp://x: this is no"),
    ],
)
@pytest.mark.parametrize("command", [["exec", "1"], ["up"], ["run", "x.py"]])
def test_mistakes_are_told_before_anything_starts(
    tmp_path: Path, command: list[str], options: list[str], sentence: str
) -> None:
    (tmp_path / "x.py").write_text("")
    arguments = [str(tmp_path / it) if it == "x.py" else it for it in command]
    status, _, err = runt(*arguments, *options)
    assert status == 2
    assert f"Error: {sentence}" in err


def test_requirements_belong_to_the_agent_that_executes(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("1")
    arguments = ["--sync-url", "ws://127.0.0.1:9", "--notebook", "n"]
    status, _, err = runt("run", path, "-r", path, *arguments, AUTH_TOKEN="t")
    assert status == 2
    assert "give it to that one" in err


def test_the_options_of_the_agent_do_not_stand_before_a_command() -> None:
    status, _, err = runt("--packages", ".", "setup")
    assert status == 2
    assert "put those of 'setup' behind it" in err
    # A variable is no option.
    status, _, err = runt("packages", "path", RUNT_PACKAGES="/none")
    assert status == 0, err
