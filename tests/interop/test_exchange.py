"""What one kind of client commits, the other one gets, with either server."""

from collections.abc import Awaitable, Callable
from typing import Any

from runt_agent import Notebook
from runt_protocol import CellCreatedV2, CellSourceChanged, NotebookTitleChanged

JoinLivestore = Callable[..., Awaitable[Any]]
JoinRunt = Callable[[str], Awaitable[Notebook]]
Agree = Callable[..., Awaitable[None]]


def cell(name: str) -> tuple[CellCreatedV2, CellSourceChanged]:
    return (
        CellCreatedV2(
            id=name, fractional_index="a0", cell_type="code", created_by="person"
        ),
        CellSourceChanged(id=name, source=f"# {name}", modified_by="person"),
    )


async def test_the_first_pull_brings_the_whole_log(
    sync_url: str, join_runt: JoinRunt, join_livestore: JoinLivestore, agree: Agree
) -> None:
    notebook = await join_runt(sync_url)
    notebook.commit(*cell("first"), NotebookTitleChanged(title="ours"))
    await notebook.flush()

    livestore = await join_livestore(sync_url)

    await agree(notebook, livestore, head=3)
    assert (await livestore.tables())["cells"][0]["source"] == "# first"


async def test_pushes_of_both_are_broadcast_to_both(
    sync_url: str, join_runt: JoinRunt, join_livestore: JoinLivestore, agree: Agree
) -> None:
    livestore = await join_livestore(sync_url)
    other = await join_livestore(sync_url, "other")
    notebook = await join_runt(sync_url)

    await livestore.commit(*cell("theirs"))
    await agree(notebook, livestore, other, head=2)
    notebook.commit(*cell("ours"))
    await agree(notebook, livestore, other, head=4)

    assert set(notebook.state.cells) == {"theirs", "ours"}
