"""Host directories are checked, and refused in a sentence, before anything starts."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import trio

from runt_cli import main
from runt_cli._errors import ConfigurationError
from runt_cli._file_options import FileFlags
from runt_cli._host_files import HostFiles, open_host_files, open_picture_dir
from runt_vfs import mount_name
from runt_worker import HostMount

NOBODY = 65534


def opened(
    *mounts: str | Path, readonly: bool = False, output_dir: str | Path | None = None
) -> HostFiles:
    return open_host_files(
        FileFlags(
            mounts=tuple(str(mount) for mount in mounts),
            mount_readonly=readonly,
            output_dir=None if output_dir is None else str(output_dir),
        )
    )


def refusal(
    *mounts: str | Path, readonly: bool = False, output_dir: str | Path | None = None
) -> str:
    with pytest.raises(ConfigurationError) as caught:
        opened(*mounts, readonly=readonly, output_dir=output_dir)
    return str(caught.value)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    return data


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    scripts = tmp_path / "my-scripts"
    scripts.mkdir()
    return scripts


@pytest.fixture
def locked_away(monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A directory of which this process sees nothing, even if it is root's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        locked = Path(folder) / "locked"
        locked.mkdir(mode=0)
        # A temporary file of pytest's own would be out of reach meanwhile.
        monkeypatch.chdir(folder)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(NOBODY)
        try:
            yield locked
        finally:
            if was_root:
                os.seteuid(0)
            locked.chmod(0o700)


def test_modes_by_suffix_and_read_write_without_one(data: Path, scripts: Path) -> None:
    other = data.parent / "other"
    other.mkdir()
    files = opened(data, f"{scripts}:ro", f"{other}:rw")
    assert files == HostFiles(
        mounts=(
            HostMount(host_path=data, allow_writes=True),
            HostMount(host_path=scripts, allow_writes=False),
            HostMount(host_path=other, allow_writes=True),
        ),
        output_dir=None,
    )


def test_mount_readonly_means_all_of_them(data: Path, scripts: Path) -> None:
    files = opened(data, f"{scripts}:ro", readonly=True)
    assert [mount.allow_writes for mount in files.mounts] == [False, False]


def test_without_a_flag_there_is_nothing_to_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert opened() == HostFiles(mounts=(), output_dir=None)
    assert capsys.readouterr().err == ""


def test_each_directory_is_told_with_its_place_and_mode(
    data: Path, scripts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output_dir = data.parent / "new" / "results"
    opened(data, f"{scripts}:ro", output_dir=output_dir)
    told = capsys.readouterr()
    places = [f"/mnt/{mount_name(data)}", f"/mnt/{mount_name(scripts)}"]
    assert told.out == ""
    assert told.err.splitlines() == [
        f"Mounted:   {data} at {places[0]}, read-write",
        f"Mounted:   {scripts} at {places[1]}, read-only",
        f"Outputs:   /outputs is copied to {output_dir} after each cell",
    ]


def test_relative_paths_become_absolute(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    files = opened("data/", output_dir="out")
    assert files.mounts[0].host_path == data
    assert files.output_dir == data.parent / "out"


def test_the_output_directory_is_made_and_one_that_exists_is_left_as_it_is(
    tmp_path: Path,
) -> None:
    made = tmp_path / "a" / "b"
    opened(output_dir=made)
    (made / "kept").touch()
    opened(output_dir=made)
    assert os.listdir(made) == ["kept"]  # noqa: PTH208 - names only


def test_a_missing_directory_is_named_with_what_exists_of_it(data: Path) -> None:
    text = refusal(data / "x" / "y:ro")
    assert text.startswith(f"{data / 'x' / 'y'} cannot be mounted: it does not exist")
    assert text.endswith(f" {data}")


def test_a_file_is_no_directory(data: Path) -> None:
    (data / "table.csv").touch()
    text = refusal(data / "table.csv")
    assert "is no directory" in text
    assert text.endswith(f" {data}")


def test_an_unreadable_directory(locked_away: Path) -> None:
    assert "Permission denied" in refusal(locked_away)
    assert "Permission denied" in refusal(locked_away / "inside")
    assert "Permission denied" in refusal(output_dir=locked_away)
    assert "Permission denied" in refusal(output_dir=locked_away / "new")


def test_a_directory_that_can_be_listed_but_not_entered(
    locked_away: Path,
) -> None:
    if os.geteuid() == NOBODY:
        os.seteuid(0)
        locked_away.chmod(0o744)
        os.seteuid(NOBODY)
    else:
        locked_away.chmod(0o400)
    assert "Permission denied" in refusal(locked_away)


def test_a_circle_of_links(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    assert "cannot be mounted" in refusal(tmp_path / "circle")
    assert "cannot be made" in refusal(output_dir=tmp_path / "circle")
    assert "cannot be written to" in refusal(output_dir=tmp_path / "circle" / "out")


def test_twice(data: Path) -> None:
    assert "twice" in refusal(data, f"{data}/:ro")


def test_an_explicit_rw_contradicts_mount_readonly(data: Path) -> None:
    assert "contradict" in refusal(f"{data}:rw", readonly=True)


def test_a_path_that_could_mean_two_directories(tmp_path: Path, data: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    (tmp_path / "elsewhere" / "data").mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    assert "two directories" in refusal(f"{tmp_path}/link/../data")
    # Links as such are fine; so are two dots that mean the same either way.
    assert opened(tmp_path / "link").mounts[0].host_path == tmp_path / "link"
    assert opened(f"{tmp_path}/elsewhere/../data").mounts[0].host_path == data


def test_what_is_read_only_is_not_also_part_of_a_writable_mount(
    tmp_path: Path, data: Path
) -> None:
    (tmp_path / "link").symlink_to(data)
    assert "cannot be read-only" in refusal(tmp_path, f"{data}:ro")
    assert "cannot be read-only" in refusal(f"{data}:ro", tmp_path / "link")
    # The other way round is a use: one writable directory in a tree that is kept.
    assert len(opened(f"{tmp_path}:ro", data).mounts) == 2


@pytest.mark.parametrize("place", ["data", "data/out", "link/out", "."])
def test_no_output_goes_where_only_reading_is_allowed(
    place: str, tmp_path: Path, data: Path
) -> None:
    (tmp_path / "link").symlink_to(data)
    text = refusal(data, readonly=True, output_dir=tmp_path / place)
    assert "mounted read-only" in text
    assert list(data.iterdir()) == []
    assert opened(data, output_dir=data / "out").output_dir == data / "out"


def test_a_file_in_the_way_of_the_output_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file of that name" in refusal(output_dir=tmp_path / "file")
    assert "file of that name" in refusal(output_dir=tmp_path / "file" / "out")


def test_an_output_directory_without_a_path() -> None:
    assert "without a path" in refusal(output_dir="")


def test_pictures_go_where_cells_may_write_or_do_not_see(
    tmp_path: Path, data: Path
) -> None:
    mounts = opened(f"{data}:ro").mounts
    (tmp_path / "link").symlink_to(data)
    for place in (data, data / "new", tmp_path / "link"):
        with pytest.raises(ConfigurationError, match="mounted read-only"):
            open_picture_dir(str(place), mounts)
    with pytest.raises(ConfigurationError, match="without a path"):
        open_picture_dir("", mounts)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"The picture .* cannot be made"):
        open_picture_dir(str(tmp_path / "file"), mounts)
    assert open_picture_dir(str(tmp_path / "a" / "b"), mounts).is_dir()
    assert open_picture_dir(str(data / "new"), opened(data).mounts).is_dir()


COMMANDS = {
    "agent": ["-n", "notebook", "-t", "token"],
    "up": ["up"],
    "run": ["run", __file__],
    "exec": ["exec", "1"],
}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_refuses_before_it_starts_anything(
    command: str,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start(*_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(trio, "run", start)
    output_dir = data / "out"
    for flags in (
        ["--mount", str(data / "missing")],
        ["-m", str(data), "-m", str(data)],
        ["-m", str(data), "--mount-readonly", "--output-dir", str(output_dir)],
        ["-m", f"{data}:rw", "--mount-readonly"],
    ):
        assert main([*COMMANDS[command], *flags]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("Error: ")
    assert not output_dir.exists()


@pytest.mark.parametrize("command", [[], ["up"], ["run"], ["exec"], ["console"]])
def test_the_help_of_every_command_names_the_flags(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    for flag in ("-m, --mount PATH[:ro|:rw]", "--mount-readonly", "--output-dir PATH"):
        assert flag in text


def test_mounts_belong_to_the_agent_that_executes_the_cells(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["run", __file__, "--sync-url", "ws://localhost:1", "-n", "n", "-t", "t"]
    for flags in (["-m", str(data)], ["--mount-readonly"], ["--output-dir", "out"]):
        assert main([*there, *flags]) == 2
        assert "belong to the agent" in capsys.readouterr().err


def test_flags_before_a_command_are_the_agents(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--mount", str(data), "exec", "1"]) == 2
    assert "'exec'" in capsys.readouterr().err
