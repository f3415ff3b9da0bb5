from pathlib import Path

from readme_example import printed_by_example


def test_the_example_runs(tmp_path: Path) -> None:
    assert printed_by_example("runt-sync", tmp_path).startswith("ws://127.0.0.1:")
    assert (tmp_path / "notebooks" / "token").is_file()
