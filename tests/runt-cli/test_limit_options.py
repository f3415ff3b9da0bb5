"""What stands behind the options for limits, and what becomes of it."""

import click
import pytest

from runt_cli._errors import ConfigurationError
from runt_cli._limit_options import SIZE, LimitFlags, with_limits
from runt_worker import WorkerOptions


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("2G", 2 * 2**30),
        ("1.5 GB", 3 * 2**29),
        ("512MiB", 2**29),
        ("10k", 10_240),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert SIZE.convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "2X", "1G2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no size, such as 512M"):
        SIZE.convert(text, None, None)


def test_flags_change_what_they_name_and_nothing_else() -> None:
    options = WorkerOptions()
    assert with_limits(options, LimitFlags()) == options
    limited = with_limits(options, LimitFlags(memory_bytes=2**30))
    assert limited.limits.memory_bytes == 2**30
    assert limited.limits.disk_bytes == options.limits.disk_bytes
    hasty = with_limits(options, LimitFlags(interrupt_grace_s=0.5))
    assert hasty.limits.interrupt_grace_s == 0.5


def test_too_little_memory_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigurationError, match=r"--memory-limit is too low.*512M"):
        with_limits(WorkerOptions(), LimitFlags(memory_bytes=2**20))


def test_output_is_limited_where_it_is_kept() -> None:
    nothing = LimitFlags()
    assert with_limits(WorkerOptions(), nothing).limits.max_output_bytes == 64 * 2**20
    terminal = with_limits(WorkerOptions(), nothing, keeps_outputs=False).limits
    assert (terminal.max_output_bytes, terminal.max_outputs) == (None, None)
    assert (terminal.max_output_rate, terminal.max_outputs_rate) == (None, None)
    slow = with_limits(WorkerOptions(), LimitFlags(max_output_rate=2**20)).limits
    assert slow.max_output_rate == 2**20
    flags = LimitFlags(max_output_bytes=1000, cell_timeout_s=5)
    asked_for = with_limits(WorkerOptions(), flags, keeps_outputs=False).limits
    assert (asked_for.max_output_bytes, asked_for.cell_timeout_s) == (1000, 5)
