from pathlib import Path

from readme_example import block_of, printed_by_example


def test_the_example_prints_what_is_below_it(tmp_path: Path) -> None:
    printed = printed_by_example("runt-protocol", tmp_path)
    assert printed == block_of("runt-protocol", "text")
