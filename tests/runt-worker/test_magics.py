"""IPython's magics and help, in a real sandbox."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from runt_worker import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    HostMount,
    Stream,
    WorkerOptions,
)
from runt_worker.testing import Ran, SharedWorker, shared_worker

ANSI = re.compile(r"\x1b\[[0-9;]*m")
NO_SHELL = "there is no shell in the sandbox: only Python runs here"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("scripts")
    (directory / "script.py").write_text("import sys\nargs = sys.argv[1:]\n1 / 1\n")
    (directory / "fails.py").write_text("def fail():\n    return 1 / 0\n\nfail()\n")
    return directory


@pytest.fixture(scope="module")
def mounted(scripts: Path) -> Generator[SharedWorker]:
    mount = HostMount(host_path=scripts, allow_writes=True)
    with shared_worker(WorkerOptions(mounts=(mount,))) as shared:
        find = "import os; scripts = f'/mnt/{os.listdir(\"/mnt\")[0]}'"
        assert shared.run(f"{find}\n%cd -q /tmp").status == "ok"
        yield shared


def succeed(sandbox: SharedWorker, code: str) -> Ran:
    ran = sandbox.run(code)
    assert ran.status == "ok", (code, ran.of_type(Error), ran.text("stderr"))
    return ran


def printed(sandbox: SharedWorker, code: str) -> str:
    """Run a cell that only prints, to standard output, and return what it printed."""
    ran = succeed(sandbox, code)
    assert all(isinstance(o, Stream) and o.name == "stdout" for o in ran.outputs), code
    return ran.text()


def value(sandbox: SharedWorker, code: str) -> str:
    [result] = succeed(sandbox, code).of_type(ExecuteResult)
    return result.data["text/plain"]


def page(sandbox: SharedWorker, code: str) -> str:
    """Run a cell that shows a page, and return its text without colours."""
    [shown] = succeed(sandbox, code).outputs
    assert isinstance(shown, DisplayData)
    return ANSI.sub("", shown.data["text/plain"])


@pytest.mark.parametrize("code", ["%time 6 * 7", "%%time\n6 * 7"])
def test_time_is_taken_and_the_value_shown(sandbox: SharedWorker, code: str) -> None:
    ran = succeed(sandbox, code)
    assert re.search(r"CPU times: .*\nWall time: ", ran.text())
    assert [result.data for result in ran.of_type(ExecuteResult)] == [
        {"text/plain": "42"}
    ]


def test_timeit_repeats(sandbox: SharedWorker) -> None:
    for code in ["%timeit -n 3 -r 2 n = 1", "%%timeit -n 3 -r 2\nn = 1"]:
        shown = printed(sandbox, code)
        assert "per loop (mean ± std. dev. of 2 runs, 3 loops each)" in shown
    assert value(sandbox, "t = %timeit -o -q -n 2 -r 1 1\nlen(t.all_runs)") == "1"


def test_capture_keeps_what_a_cell_shows(sandbox: SharedWorker) -> None:
    code = "%%capture kept\nprint('text')\ndisplay('shown')\n'result'"
    assert succeed(sandbox, code).outputs == []
    assert value(sandbox, "kept.stdout, len(kept.outputs)") == r"('text\n', 2)"


def test_names_are_listed_with_their_values(sandbox: SharedWorker) -> None:
    succeed(sandbox, "%reset -f")
    succeed(sandbox, "first, second = 1, 'two'")
    assert printed(sandbox, "%who").split() == ["first", "second"]
    assert re.search(r"second +str +two\n", printed(sandbox, "%whos"))


def test_a_mounted_script_runs_with_its_arguments(mounted: SharedWorker) -> None:
    assert value(mounted, "%run {scripts}/script.py one two\nargs") == "['one', 'two']"


def test_an_error_in_a_script_shows_its_lines(mounted: SharedWorker) -> None:
    [error] = mounted.run("%run {scripts}/fails.py").of_type(Error)
    traceback = ANSI.sub("", "\n".join(error.traceback))
    assert error.ename == "ZeroDivisionError"
    assert "----> 2     return 1 / 0\n" in traceback
    assert "runt_kernel" not in traceback


def test_a_written_file_is_run_and_seen_by_the_host(
    mounted: SharedWorker, scripts: Path
) -> None:
    assert "Writing" in printed(
        mounted, "%%writefile {scripts}/written.py\nanswer = 42"
    )
    assert "Appending" in printed(
        mounted, "%%writefile -a {scripts}/written.py\nprint(answer)"
    )
    assert (scripts / "written.py").read_text() == "answer = 42\nprint(answer)\n"
    assert printed(mounted, "%run {scripts}/written.py") == "42\n"


def test_autoreload_sees_edits_of_the_host(
    mounted: SharedWorker, scripts: Path
) -> None:
    (scripts / "edited.py").write_text("def version(): return 1\n")
    succeed(mounted, "%load_ext autoreload\n%autoreload 2")
    succeed(mounted, "import sys; sys.path.append(scripts); import edited")
    assert value(mounted, "edited.version()") == "1"
    (scripts / "edited.py").write_text("def version(): return 'second'\n")
    assert value(mounted, "edited.version()") == "'second'"


def test_environment_and_directory(sandbox: SharedWorker) -> None:
    assert printed(sandbox, "%env ANSWER=42") == "env: ANSWER=42\n"
    assert value(sandbox, "%env ANSWER") == "'42'"
    assert printed(sandbox, "%cd /outputs") == "/outputs\n"
    assert value(sandbox, "%pwd") == "'/outputs'"
    assert printed(sandbox, "%cd -") == "/home/pyodide\n"


def test_files_are_handled_without_a_shell(mounted: SharedWorker) -> None:
    succeed(mounted, "%mkdir -p files/below")
    succeed(mounted, "%%writefile files/a.txt\nletter a")
    succeed(mounted, "%cp files/a.txt files/b.txt")
    succeed(mounted, "%mv files/b.txt files/below")
    assert printed(mounted, "%ls files").split() == ["a.txt", "below/"]
    assert printed(mounted, "%cat files/*.txt files/below/b.txt") == "letter a\n" * 2
    assert re.search(
        r"^-rw\S+ +9 [-0-9]+ [0-9:]+ a.txt$", printed(mounted, "%lf files")
    )
    succeed(mounted, "%cp -r files copy")
    assert printed(mounted, "%ls -1 copy/below") == "b.txt\n"
    succeed(mounted, "%rm -r copy files")
    assert mounted.run("%ls files").status == "FileNotFoundError"
    assert mounted.run("%rm files").status == "FileNotFoundError"
    assert printed(mounted, "%rm -f files") == ""


def test_an_option_that_nobody_knows_is_refused(sandbox: SharedWorker) -> None:
    ran = sandbox.run("%rm -i x")
    assert (ran.status, ran.text("stderr")) == (
        "UsageError",
        "UsageError: %rm does not know the option -i\n",
    )


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("!curl x", ""),
        ("found = !curl x", ""),
        ("!!curl x", ""),
        ("%sx curl x", ""),
        ("%system curl x", ""),
        ("%%bash\necho", ""),
        ("%%sh\necho", ""),
        ("%%script anything\necho", ""),
        ("!ls -l", " (%ls does this without one)"),
        ("!pip install x", " (%pip does this without one)"),
        ("!man ls", ""),
        ("!echo 'unclosed", ""),
        ("!", ""),
        ("!{sys.executable} -m pip install x", " (%pip does this without one)"),
        ("!python -m pip install x", " (%pip does this without one)"),
        ("import os; os.system('ls')", ""),
    ],
)
def test_commands_say_that_there_is_no_shell(
    sandbox: SharedWorker, code: str, hint: str
) -> None:
    [error] = sandbox.run(code).of_type(Error)
    assert (error.ename, error.evalue) == ("OSError", NO_SHELL + hint)
    assert "runt_kernel" not in "\n".join(error.traceback)


@pytest.mark.parametrize("name", ["python", "python3", "perl", "ruby"])
def test_cells_of_other_programs_are_refused(sandbox: SharedWorker, name: str) -> None:
    [error] = sandbox.run(f"%%{name}\n1").of_type(Error)
    assert error.ename == "OSError"
    assert "there are no processes in the sandbox" in error.evalue


@pytest.mark.parametrize(
    "code", ["%debug", "%%debug\n1", "%debug 1", "%pdb", "%pdb on"]
)
def test_debugging_magics_say_that_there_is_no_debugger(
    sandbox: SharedWorker, code: str
) -> None:
    ran = sandbox.run(code)
    assert ran.status == "UsageError"
    assert ran.text("stderr") == ("UsageError: there is no debugger in the sandbox\n")


def test_help_is_shown_as_an_output(sandbox: SharedWorker) -> None:
    succeed(sandbox, 'def greet(name):\n    "Say hello."\n    return f"hello {name}"')
    short = page(sandbox, "greet?")
    assert re.search(r"Signature: +greet\(name\)\nDocstring: +Say hello\.\n", short)
    assert 'return f"hello {name}"' not in short
    assert 'return f"hello {name}"' in page(sandbox, "greet??")
    assert page(sandbox, "%psource greet").startswith("def greet(name):\n")
    assert "IPython's 'magic' functions" in page(sandbox, "%magic")
    assert printed(sandbox, "unknown_name?") == "Object `unknown_name` not found.\n"


def test_what_would_go_into_a_new_cell_is_shown(mounted: SharedWorker) -> None:
    assert "import sys\n" in page(mounted, "%less {scripts}/script.py")
    assert "args = sys.argv[1:]\n" in page(mounted, "%load {scripts}/script.py")
    assert page(mounted, "%recall 1").startswith("import os; scripts = ")


def test_settings_of_the_shell_hold(sandbox: SharedWorker) -> None:
    succeed(sandbox, "%precision 3")
    assert value(sandbox, "3.14159") == "3.142"
    succeed(sandbox, "%precision")
    succeed(sandbox, "%xmode Minimal")
    [error] = sandbox.run("1 / 0").of_type(Error)
    assert "Traceback" not in "".join(error.traceback)
    succeed(sandbox, "%xmode Context")
    [error] = sandbox.run("1 / 0").of_type(Error)
    assert "Traceback" in "".join(error.traceback)


def test_reset_leaves_the_magics(sandbox: SharedWorker) -> None:
    succeed(sandbox, "kept = 1")
    assert succeed(sandbox, "%reset -f").outputs == []
    assert sandbox.run("kept").status == "NameError"
    assert succeed(sandbox, "%ls").text("stderr") == ""


def test_an_unknown_magic_or_wrong_use_is_an_error(sandbox: SharedWorker) -> None:
    for code in ["%no_such_magic", "%%no_such_magic\n1", "%less", "%edit x", "%cat"]:
        ran = sandbox.run(code)
        assert ran.status == "UsageError", code
        assert ran.text("stderr").startswith("UsageError: "), code


def test_clear_clears_the_cell(sandbox: SharedWorker) -> None:
    assert succeed(sandbox, "%clear").outputs == [ClearOutput(wait=False)]
