"""The tour of the examples, as its reader runs it, and without a network."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat as nbformat_untyped
import pytest
from runt_command import EXECUTABLE

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE_S = 300.0
NOWHERE = "http://127.0.0.1:9"
WITHOUT_NETWORK = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy"), NOWHERE),
    **dict.fromkeys(("https_proxy", "ALL_PROXY", "PIP_INDEX_URL"), NOWHERE),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_EXTRA_INDEX_URL": "",
}

nbformat: Any = nbformat_untyped
Cell = Any
"""A cell of nbformat."""


def run(notebook: Path, result: Path, **variables: str) -> list[Cell]:
    """Run a notebook with the examples' data; return its code cells afterwards."""
    data = ["--mount", EXAMPLES / "data", "--mount-readonly"]
    done = subprocess.run(
        [EXECUTABLE, "run", notebook, *data, "-o", result],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return code_cells(result)


def code_cells(path: Path) -> list[Cell]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[Cell], source: str) -> tuple[str, set[str]]:
    """Return what the one cell with that text shows: all text, and its MIME types."""
    [cell] = [cell for cell in cells if source in cell.source]
    text, types = "", set[str]()
    for output in cell.outputs:
        data = output.get("data", {})
        text += output.get("text", "") + data.get("text/plain", "")
        types |= set(data)
    return text, types


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    result = tmp_path_factory.mktemp("tour") / "result.ipynb"
    return run(EXAMPLES / "tour.ipynb", result)


def test_ipython_is_at_home(tour: list[Cell]) -> None:
    timing, _ = shown(tour, "%timeit")
    assert re.search(r"per loop \(mean ± std\. dev\. of 3 runs, 1,000 loops", timing)
    assert shown(tour, "asyncio.gather")[0] == "[40, 2]"
    assert "Return a str with the given prefix string removed" in shown(tour, "?")[0]
    assert shown(tour, "completions(")[0] == "['mast', 'master']"


def test_packages_are_installed_when_they_are_asked_for(tour: list[Cell]) -> None:
    assert shown(tour, "intword")[0] == "'123.5 million'"
    assert "numpy" in shown(tour, "%pip install numpy")[0]
    assert shown(tour, "linspace")[0] == "array([0.  , 0.25, 0.5 , 0.75, 1.  ])"


def test_the_mounted_table_is_read_and_not_changed(tour: list[Cell]) -> None:
    assert shown(tour, "iterdir")[0] == "['weather.csv']"
    assert shown(tour, "PermissionError")[0] == "refused: Permission denied\n"
    assert shown(tour, "read_csv")[1] == {"text/plain", "text/html"}


def test_plots_and_formulas_are_shown(tour: list[Cell]) -> None:
    for source in ("Temperature by month", "sns.relplot"):
        assert "image/png" in shown(tour, source)[1]
    text, types = shown(tour, "sp.integrate")
    assert text == "sqrt(pi)"
    assert "text/latex" in types


def test_tables_and_plots_work_without_network_after_setup(tmp_path: Path) -> None:
    packages = ["--packages", "pandas,matplotlib"]
    subprocess.run([EXECUTABLE, "setup", *packages], check=True, timeout=DEADLINE_S)
    wanted = ("Path(", "read_csv", "Temperature by month")
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    notebook.cells = [
        cell for cell in notebook.cells if any(part in cell.source for part in wanted)
    ]
    nbformat.write(notebook, tmp_path / "part.ipynb")
    cells = run(tmp_path / "part.ipynb", tmp_path / "result.ipynb", **WITHOUT_NETWORK)
    assert "text/html" in shown(cells, "read_csv")[1]
    assert "image/png" in shown(cells, "Temperature by month")[1]
