import pytest

from runt_cli._errors import NotebookFileError
from runt_cli._script_metadata import ScriptMetadata, script_metadata

SCRIPT = """#!/usr/bin/env python
# /// script
# requires-python = ">=3.12"
# dependencies = [
#   "rich",
#
#   "requests<3",
# ]
# ///
import rich
"""


def test_a_script_says_what_it_needs() -> None:
    assert script_metadata(SCRIPT) == ScriptMetadata(
        dependencies=("rich", "requests<3"), requires_python=">=3.12"
    )


@pytest.mark.parametrize(
    "source", ["", "import rich", "# /// other\n# x = 1\n# ///\n", "# /// script\nx"]
)
def test_other_scripts_need_nothing(source: str) -> None:
    assert script_metadata(source) == ScriptMetadata()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (SCRIPT + SCRIPT, "several blocks"),
        ("# /// script\n# x = \n# ///\n", "not TOML"),
        ("# /// script\n# dependencies = 1\n# ///\n", "a list of texts"),
        ("# /// script\n# dependencies = [1]\n# ///\n", "a list of texts"),
        ("# /// script\n# requires-python = 3\n# ///\n", "a text"),
    ],
)
def test_what_makes_no_sense_is_refused(source: str, reason: str) -> None:
    with pytest.raises(NotebookFileError, match=reason):
        script_metadata(source)
