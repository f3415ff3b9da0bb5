import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "packages" / "runt-protocol" / "README.md"


def test_the_example_prints_what_the_readme_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = README.read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == printed
