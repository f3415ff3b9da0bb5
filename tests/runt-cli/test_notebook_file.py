import json
import stat
from pathlib import Path
from typing import Any

import nbformat
import pytest

from runt_cli._errors import NotebookFileError
from runt_cli._notebook_file import read_document

OLD_OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["old\n"]}


def notebook(minor: int = 5, **extra: Any) -> dict[str, Any]:
    ids = [{"id": name} if minor >= 5 else {} for name in ("one", "two", "three")]
    return {
        "cells": [
            {
                **ids[0],
                "cell_type": "markdown",
                "source": ["# Title\n", "text"],
                "metadata": {"kept": True},
            },
            {
                **ids[1],
                "cell_type": "code",
                "source": ["x = 1\n", "x"],
                "metadata": {"tags": ["raises-exception"]},
                "outputs": [OLD_OUTPUT],
                "execution_count": 9,
            },
            {
                **ids[2],
                "cell_type": "raw",
                "source": "raw",
                "metadata": {},
            },
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Mine"}},
        "nbformat": 4,
        "nbformat_minor": minor,
        **extra,
    }


def read_result(path: Path) -> Any:
    untyped: Any = nbformat
    result = untyped.read(path, as_version=4)
    untyped.validate(result)
    return result


def save(tmp_path: Path, content: Any, name: str = "in.ipynb") -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_cells_come_with_kind_source_and_id(tmp_path: Path) -> None:
    cells = read_document(save(tmp_path, notebook())).cells
    assert [(cell.id, cell.kind, cell.source) for cell in cells] == [
        ("one", "markdown", "# Title\ntext"),
        ("two", "code", "x = 1\nx"),
        ("three", "raw", "raw"),
    ]
    assert [cell.may_raise for cell in cells] == [False, True, False]


def test_writing_keeps_all_but_the_outputs_of_earlier_runs(tmp_path: Path) -> None:
    content = notebook()
    document = read_document(save(tmp_path, content))
    document.write(tmp_path / "out.ipynb")
    written = read_result(tmp_path / "out.ipynb")
    assert [cell.id for cell in written.cells] == ["one", "two", "three"]
    assert written.cells[0].metadata == {"kept": True}
    assert written.metadata == content["metadata"]
    assert written.cells[1].outputs == []
    assert written.cells[1].execution_count is None


def test_outputs_are_written(tmp_path: Path) -> None:
    document = read_document(save(tmp_path, notebook()))
    output = {"output_type": "stream", "name": "stdout", "text": "new \ud83d\n"}
    assert not document.has_results
    document.set_outputs("two", [output], 3)
    assert document.has_results
    document.write(tmp_path / "out.ipynb")
    written = read_result(tmp_path / "out.ipynb")
    assert written.cells[1].outputs == [output]
    assert written.cells[1].execution_count == 3


def test_the_result_is_as_public_as_any_new_file_and_leaves_no_other(
    tmp_path: Path,
) -> None:
    document = read_document(save(tmp_path, notebook()))
    document.write(tmp_path / "out.ipynb")
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "in.ipynb",
        "out.ipynb",
        "plain",
    }


def test_a_result_keeps_the_permissions_and_the_place_of_the_file_it_replaces(
    tmp_path: Path,
) -> None:
    private, link = tmp_path / "private.ipynb", tmp_path / "link.ipynb"
    private.touch(mode=0o600)
    link.symlink_to(private)
    read_document(save(tmp_path, notebook())).write(link)
    assert link.is_symlink()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert len(read_result(private).cells) == 3


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    read_document(save(tmp_path, notebook())).write(device)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_old_notebook_gets_ids_and_keeps_its_metadata(tmp_path: Path) -> None:
    content = notebook(minor=2)
    document = read_document(save(tmp_path, content))
    assert len({cell.id for cell in document.cells}) == 3
    document.write(tmp_path / "out.ipynb")
    written = read_result(tmp_path / "out.ipynb")
    assert (written.nbformat, written.nbformat_minor) == (4, 5)
    assert written.metadata == content["metadata"]


def test_a_notebook_of_version_3_is_upgraded(tmp_path: Path) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "input": ["print(1)"],
        "language": "python",
        "collapsed": False,
        "metadata": {},
        "outputs": [],
    }
    content: dict[str, Any] = {
        "metadata": {"name": "old"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }
    (only,) = read_document(save(tmp_path, content)).cells
    assert (only.kind, only.source) == ("code", "print(1)")


def test_repeated_ids_are_mended(tmp_path: Path) -> None:
    content = notebook()
    content["cells"][2]["id"] = "one"
    cells = read_document(save(tmp_path, content)).cells
    assert len({cell.id for cell in cells}) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("no-json.ipynb", "{"),
        ("list.ipynb", "[1]"),
        ("other.ipynb", '{"a": 1}'),
        ("version.ipynb", '{"nbformat": 99, "cells": []}'),
        ("no-cells.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}'),
        ("bad-cell.ipynb", json.dumps(notebook(cells=[{"cell_type": "strange"}]))),
        ("deep.ipynb", "[" * 100_000),
        ("text.txt", "print(1)"),
    ],
)
def test_what_is_no_notebook_is_refused_by_name(
    tmp_path: Path, name: str, content: str
) -> None:
    with pytest.raises(NotebookFileError, match=name):
        read_document(save(tmp_path, content, name))


def test_unreadable_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        NotebookFileError, match=r"missing\.ipynb cannot be read: No such"
    ):
        read_document(tmp_path / "missing.ipynb")
    (tmp_path / "latin.py").write_bytes(b"# \xe9")
    with pytest.raises(NotebookFileError, match="not UTF-8"):
        read_document(tmp_path / "latin.py")


def test_a_result_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    document = read_document(save(tmp_path, notebook()))
    with pytest.raises(NotebookFileError, match="No such file or directory"):
        document.write(tmp_path / "missing" / "out.ipynb")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotebookFileError, match="cannot be written"):
        document.write(tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"in.ipynb", "folder"}


def test_a_plain_script_is_one_cell(tmp_path: Path) -> None:
    document = read_document(save(tmp_path, "\nprint(1)\n\nprint(2)\n", "s.py"))
    assert [(cell.kind, cell.source) for cell in document.cells] == [
        ("code", "print(1)\n\nprint(2)")
    ]
    document.write(tmp_path / "out.ipynb")
    assert len(read_result(tmp_path / "out.ipynb").cells) == 1


def test_markers_cut_a_script_into_cells(tmp_path: Path) -> None:
    script = (
        "import os\n# %% [markdown]\n# # Title\n# text\n# %%\nx = 1\n#%% named\nx\n"
    )
    document = read_document(save(tmp_path, script, "s.py"))
    assert [(cell.kind, cell.source) for cell in document.cells] == [
        ("code", "import os"),
        ("markdown", "# Title\ntext"),
        ("code", "x = 1"),
        ("code", "x"),
    ]


def test_an_empty_script_has_no_cells(tmp_path: Path) -> None:
    assert read_document(save(tmp_path, "\n", "s.py")).cells == []
