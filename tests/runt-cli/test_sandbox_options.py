from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runt_cli._errors import ConfigurationError
from runt_cli._limit_options import LimitFlags, with_limits
from runt_cli._sandbox_options import SandboxFlags, sandbox_options
from runt_cli._worker_options import worker_options
from runt_worker import NetworkGrants, WorkerOptions


def flags(*arguments: str | Path) -> SandboxFlags:
    """Read a command line."""
    found: list[SandboxFlags] = []

    @click.command()
    @sandbox_options
    def command(sandbox: SandboxFlags) -> None:
        found.append(sandbox)

    done = CliRunner(env={"RUNT_PACKAGES": None, "RUNT_PACKAGES_MIRROR": None}).invoke(
        command, list(map(str, arguments)), catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    [sandbox] = found
    return sandbox


def test_a_worker_gets_all_that_the_command_line_said(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")
    said = flags(
        *("--mount", tmp_path, "--mount-readonly"),
        *("--packages", tmp_path, "-r", tmp_path / "requirements.txt"),
        *("--memory-limit", "1G", "--allow-net", "example.com", "--log-json"),
    )
    options = worker_options(said, WorkerOptions(requires_python=">=3"))

    [mount] = options.mounts
    assert (mount.host_path, mount.allow_writes) == (tmp_path, False)
    assert options.packages_dir == tmp_path
    assert [str(requirement) for requirement in options.requirements] == ["numpy"]
    assert options.limits.memory_bytes == 2**30
    assert options.allow_net == NetworkGrants.parse("example.com")
    assert options.requires_python == ">=3"
    assert said.log.as_json


def test_where_nothing_was_said_only_outputs_are_limited() -> None:
    said = flags()
    assert worker_options(said) == WorkerOptions()
    whole = worker_options(said, keeps_outputs=False)
    assert whole == with_limits(WorkerOptions(), LimitFlags(), keeps_outputs=False)
    assert whole != WorkerOptions()


def test_what_is_of_no_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such directory"):
        worker_options(flags("--packages", tmp_path / "nowhere"))
