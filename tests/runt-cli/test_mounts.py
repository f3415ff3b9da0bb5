"""What stands behind --mount, and the command that tells the names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_cli import main
from runt_cli._errors import ConfigurationError
from runt_cli._mounts import MountRequest, mount_table, parse_mount

SUFFIXES = {"": None, ":ro": False, ":rw": True}
# Absolute and below a directory that is not there, so that no text exists by chance.
MISSING_PATHS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
).map(lambda text: f"/no-such-directory/{text}")


@given(MISSING_PATHS, st.sampled_from(sorted(SUFFIXES)))
def test_one_suffix_is_taken_off_and_the_rest_is_the_path(
    path: str, suffix: str
) -> None:
    request = parse_mount(path + suffix)
    if suffix:
        assert request == MountRequest(host_path=path, allow_writes=SUFFIXES[suffix])
    else:
        # The path itself may end in what looks like a suffix; at most that is gone.
        assert path in (
            request.host_path + end
            for end, mode in SUFFIXES.items()
            if mode == request.allow_writes
        )


@given(MISSING_PATHS, st.sampled_from([":RO", ":r", ":wr", ":ro ", ":", "::", ":rw/"]))
def test_what_is_no_suffix_stays_in_the_path(path: str, ending: str) -> None:
    request = parse_mount(path + ending)
    assert request == MountRequest(host_path=path + ending, allow_writes=None)


@pytest.mark.parametrize("name", ["data:ro", "data:rw", ":ro"])
def test_an_existing_path_of_that_very_name_wins(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert parse_mount(name) == MountRequest(host_path=name, allow_writes=None)
    assert parse_mount(f"{name}:ro") == MountRequest(host_path=name, allow_writes=False)


def test_a_dangling_link_of_that_name_wins_too(tmp_path: Path) -> None:
    link = tmp_path / "data:ro"
    link.symlink_to("nowhere")
    assert parse_mount(str(link)).host_path == str(link)


@pytest.mark.parametrize("text", ["", ":ro", ":rw"])
def test_an_unset_variable_does_not_mount_the_working_directory(text: str) -> None:
    with pytest.raises(ConfigurationError, match="without a path"):
        parse_mount(text)


def test_one_directory_in_two_spellings_is_given_twice() -> None:
    requests = [parse_mount(text) for text in ["/data/../data/", "/data:ro"]]
    with pytest.raises(ConfigurationError, match=r"^/data is to be mounted twice;"):
        mount_table(requests)


def test_the_command_prints_names_and_aliases_of_directories_that_may_be_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = ["/home/user/data", "/srv/my-data:ro", "/home/user_data"]
    assert main(["mounts", *paths]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "/home/user/data at /mnt/_home_user_data",
        "/srv/my-data at /mnt/_srv_my_data, also /mnt/_srv_my-data",
        "/home/user_data at /mnt/_home_user_data_2",
    ]


def test_the_example_of_the_page_for_users(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "files.md"
    example = re.search(r"^\$ runt (.+)\n([^`]+)", page.read_text(), re.MULTILINE)
    assert example is not None
    assert main(example.group(1).split()) == 0
    assert capsys.readouterr().out == example.group(2)


def test_the_command_prints_any_name_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = os.fsdecode(b"/data/\xff\x1b[2Jx")
    assert main(["mounts", odd]) == 0
    assert capsys.readouterr().out == "/data/\ufffdx at /mnt/_data____2Jx\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["/a", "/b/../a"], "twice"), ([], "PATH"), ([""], "without a path")],
)
def test_the_command_refuses_what_could_not_be_mounted(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mounts", *arguments]) == 2
    assert named in capsys.readouterr().err


def test_the_command_starts_nothing_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, runt_cli; runt_cli.main(['mounts', '/data']); "
        "print([m for m in ('trio', 'rich', 'msgspec', 'runt_worker', 'runt_agent') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "/data at /mnt/_data\n[]\n"
