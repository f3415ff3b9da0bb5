"""Each table beside this file holds attacks of a kind; none may harm the host.

An attack is a cell (`python`), or the body of an async function in the guest's thread
(`js`; with `node`, a module of Node's as `m`) or in a worker that it starts (`worker`).
`says` is what shows that it met its barrier; without, that is a refusal of Deno or the
kernel. One that `spoils` its kernel is followed by a fresh one.
"""

import socket
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypedDict

import pytest

TABLES = sorted(Path(__file__).parent.glob("*.toml"))

REFUSALS = ("NotCapable", "Requires ", "Permission denied")


class Harmed(Protocol):
    directory: Path
    tcp: socket.socket

    def harm(self, said: str) -> list[str]: ...

    def watch(self, *directories: Path) -> None: ...


class Attack(TypedDict, total=False):
    python: str
    js: str
    worker: str
    node: str
    options: str
    says: str
    spoils: bool


def attacks() -> dict[str, Attack]:
    return {
        f"{table.stem}: {name}": attack
        for table in TABLES
        for name, attack in tomllib.loads(table.read_text()).items()
    }


ATTACKS = attacks()


def cell(attack: Attack) -> str:
    if "python" in attack:
        return attack["python"]
    if "worker" in attack:
        return f"await worker_run({attack['worker']!r}, {attack.get('options', '')!r})"
    module = attack.get("node")
    start = f"const m = await import('node:{module}');" if module else ""
    return f"await js_run({start + attack.get('js', '')!r})"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_attack_harms_the_host(assail: Callable[..., str], attack: Attack) -> None:
    said = assail(cell(attack), spoils=attack.get("spoils", False))
    expected = attack.get("says")
    if expected is None:
        assert any(refusal in said for refusal in REFUSALS), said
    else:
        assert expected in said


def test_the_attacks_are_many() -> None:
    assert len(ATTACKS) >= 250


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
