"""Notebooks as files: read what is to run, write it back with its outputs.

A notebook of any version becomes one of nbformat 4.5, which gives every cell an id. A
script becomes a notebook: `# %%` lines, as editors know them, begin its cells.
"""

import os
import re
import stat
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import nbformat as _nbformat
from nbformat.validator import ValidationError

from runt_cli._errors import NotebookFileError

nbformat: Any = _nbformat
"""Its functions bear no types, so nothing that comes from them has any."""

_CELL_LINE: Final = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
_PYTHON: Final = {
    "kernelspec": {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    },
    "language_info": {"name": "python"},
}


@dataclass(frozen=True, kw_only=True)
class SourceCell:
    """A cell as its author wrote it.

    Attributes:
        id: The cell's id in the file, unique there.
        kind: What it is.
        source: Its text.
        may_raise: Its author expects an error (the tag `raises-exception`).
    """

    id: str
    kind: Literal["code", "markdown", "raw"]
    source: str
    may_raise: bool


class NotebookDocument:
    """A notebook of nbformat 4.5 in memory. `read_document` makes one."""

    def __init__(self, content: dict[str, Any]) -> None:
        """Take valid content; code cells lose the outputs of earlier runs."""
        self._content = content
        for cell in self._code_cells():
            cell["outputs"] = []
            cell["execution_count"] = None

    @property
    def has_results(self) -> bool:
        """Whether any cell has been given outputs, be they empty."""
        return any(cell["execution_count"] is not None for cell in self._code_cells())

    @property
    def cells(self) -> list[SourceCell]:
        """All cells in order."""
        return [
            SourceCell(
                id=cell["id"],
                kind=cell["cell_type"],
                source=cell["source"],
                may_raise="raises-exception" in cell["metadata"].get("tags", []),
            )
            for cell in self._content["cells"]
        ]

    def set_outputs(
        self, cell_id: str, outputs: Sequence[dict[str, Any]], execution_count: int
    ) -> None:
        """Give a code cell what its execution put out.

        Args:
            cell_id: The cell's id in the file.
            outputs: Outputs as nbformat has them.
            execution_count: The number of the execution.
        """
        cell = next(cell for cell in self._code_cells() if cell["id"] == cell_id)
        cell["outputs"] = list(outputs)
        cell["execution_count"] = execution_count

    def write(self, host_path: Path) -> None:
        """Write the notebook; a reader sees the old file or the new one, whole.

        Args:
            host_path: Where to; an existing file is replaced.

        Raises:
            NotebookFileError: The operating system refused.
        """
        nbformat.validate(self._content)
        text: str = nbformat.v4.writes_json(nbformat.from_dict(self._content)) + "\n"
        # No UTF-8 holds a lone surrogate; its escape means the same in JSON.
        content = text.encode("utf-8", "backslashreplace")
        try:
            _replace(host_path, content)
        except OSError as error:
            raise NotebookFileError(
                f"{host_path} cannot be written: {error.strerror}"
            ) from None

    def _code_cells(self) -> Iterator[dict[str, Any]]:
        return (cell for cell in self._content["cells"] if cell["cell_type"] == "code")


def read_document(host_path: Path) -> NotebookDocument:
    """Read a notebook or a script.

    Args:
        host_path: A file whose name ends in `.ipynb` or `.py`.

    Raises:
        NotebookFileError: It cannot be read, or is neither.
    """
    try:
        text = host_path.read_text("utf-8")
    except OSError as error:
        raise NotebookFileError(
            f"{host_path} cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise NotebookFileError(f"{host_path} is not UTF-8 text.") from None
    match host_path.suffix:
        case ".py":
            return NotebookDocument(_from_script(text))
        case ".ipynb":
            return NotebookDocument(_from_json(text, host_path))
        case _:
            raise NotebookFileError(
                f"{host_path} is neither a notebook (.ipynb) nor a script (.py)."
            )


def _from_json(text: str, host_path: Path) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            # Missing and repeated cell ids are mended here; nobody need hear of it.
            warnings.simplefilter("ignore")
            return _upgraded(nbformat.reader.reads(text))
    except ValidationError as error:
        raise NotebookFileError(
            f"{host_path} is not a valid notebook: {error.message}"
        ) from None
    except (
        # What nbformat trips over in JSON that is no notebook, and in text that is
        # no JSON.
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
    ):
        raise NotebookFileError(f"{host_path} is not a notebook.") from None


def _upgraded(notebook: Any) -> dict[str, Any]:
    before = dict(notebook["metadata"])
    notebook = nbformat.v4.upgrade(nbformat.convert(notebook, 4))
    # The upgrade leaves notes in the metadata that no later version wants.
    notebook["metadata"] = nbformat.from_dict(before)
    _, notebook = nbformat.validator.normalize(notebook)
    nbformat.validate(notebook)
    return notebook


def _from_script(text: str) -> dict[str, Any]:
    cells = [_script_cell(marker, body) for marker, body in _script_parts(text)]
    notebook = nbformat.v4.new_notebook(metadata=_PYTHON, cells=cells)
    # Ids by position: the same script gives the same notebook.
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
    return notebook


def _script_parts(text: str) -> list[tuple[str, str]]:
    """Cut a script at its markers; give what each marker says and what follows."""
    head, *rest = _CELL_LINE.split(text)
    parts = [("", head), *zip(rest[0::2], rest[1::2], strict=True)]
    return [(marker, body.strip("\n")) for marker, body in parts if body.strip()]


def _script_cell(marker: str, body: str) -> Any:
    if "[markdown]" in marker:
        lines = (re.sub(r"^# ?", "", line) for line in body.splitlines())
        return nbformat.v4.new_markdown_cell("\n".join(lines))
    return nbformat.v4.new_code_cell(body)


def _replace(host_path: Path, content: bytes) -> None:
    if host_path.exists() and not host_path.is_file():
        host_path.write_bytes(content)  # a device or a pipe is not to be replaced
        return
    target = host_path.resolve()
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode_of(target))
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink()
            raise


def _mode_of(target: Path) -> int:
    """Give the permissions that the file has, or that a new one would get."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)  # there is no other way to read it
    os.umask(umask)
    return 0o666 & ~umask
