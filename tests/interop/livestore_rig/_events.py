"""Events that stand for any others."""

from runt_protocol import CellCreatedV2, NotebookTitleChanged


def cell(name: str) -> CellCreatedV2:
    """Create a cell."""
    return CellCreatedV2(
        id=name, fractional_index="a0", cell_type="code", created_by="person"
    )


def title(text: str) -> NotebookTitleChanged:
    """Name the notebook."""
    return NotebookTitleChanged(title=text)
