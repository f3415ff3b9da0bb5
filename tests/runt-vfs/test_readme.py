from pathlib import Path

from readme_example import block_of, printed_by_example


def test_the_example_prints_what_is_below_it(tmp_path: Path) -> None:
    assert printed_by_example("runt-vfs", tmp_path) == block_of("runt-vfs", "text")
