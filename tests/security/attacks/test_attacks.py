"""Each table beside this file holds attacks of a kind; none may harm the host.

An attack is a cell (`python`), or the body of an async function in the guest's thread
(`js`; with `node`, a module of Node's as `m`) or in a worker that it starts (`worker`).
`says` is what shows that it met its barrier; without, that is a refusal of Deno or the
kernel. One that `spoils` its kernel is followed by a fresh one.
"""

import socket
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .conftest import Attack, Tally

REFUSALS = ("NotCapable", "Requires ", "Permission denied")

FRESH_CELL_S = 2.0
"""So long after any cell the next one has run; usually it takes a hundredth of that.
Asked of the median, since a busy machine delays single ones."""


class Harmed(Protocol):
    directory: Path
    tcp: socket.socket

    def harm(self, said: str) -> list[str]: ...

    def watch(self, *directories: Path) -> None: ...


def test_no_attack_harms_the_host(
    assail: Callable[..., str],
    source_of: Callable[["Attack"], str],
    attack: "Attack",
) -> None:
    said = assail(source_of(attack), spoils=attack.get("spoils", False))
    expected = attack.get("says")
    if expected is None:
        assert any(refusal in said for refusal in REFUSALS), said
    else:
        assert expected in said


def test_the_attacks_are_many(attacks: dict[str, "Attack"]) -> None:
    assert len(attacks) >= 350


def test_the_next_cell_runs_soon(assail: Callable[..., str], tally: "Tally") -> None:
    for _ in range(5):
        assail("js.Deno.readTextFileSync('$secret')")
    assert statistics.median(tally.fresh_s) < FRESH_CELL_S


def test_what_an_attack_says_in_pieces_is_read_in_whole(
    assail: Callable[..., str],
) -> None:
    said = assail("print('gai', end='')\ntime.sleep(0.3)\nprint('ned')")
    assert "gained" in said


def test_the_host_notices_harm(canaries: Harmed, canary: str) -> None:
    assert canaries.harm("nothing") == []
    assert canaries.harm(canary) != []
    with socket.create_connection(canaries.tcp.getsockname()):
        assert canaries.harm("") != []
    (canaries.directory / "planted").write_text("x")
    assert canaries.harm("") != []
    (canaries.directory / "planted").unlink()
    canaries.watch()
    assert canaries.harm("") == []
