"""The data directory: its token, its lock, its modes, and the address beside it."""

import os
import socket
import stat
from pathlib import Path

import platformdirs
import pytest
import trio

from runt_sync import (
    BindError,
    DatabaseFileError,
    DataDirError,
    DataDirInUseError,
    Limits,
    Server,
    TokenFileError,
    default_data_dir,
    open_server,
)


def modes_below(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)).strip("."): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


@pytest.fixture
def existing_dir(data_dir: Path) -> Path:
    data_dir.mkdir()
    return data_dir


async def start(data_dir: Path, token: str | None = None) -> str:
    async with open_server(data_dir=data_dir, token=token) as server:
        return server.token


async def test_the_token_is_generated_once(data_dir: Path) -> None:
    token = await start(data_dir)
    assert len(token) >= 43  # 32 random bytes
    assert await start(data_dir) == token


async def test_a_given_token_is_not_stored(data_dir: Path) -> None:
    assert await start(data_dir, token="given") == "given"
    assert not (data_dir / "token").exists()


@pytest.mark.parametrize("token", ["", " ", "a b", "ü", "a\n", "\x7f"])
async def test_a_token_that_no_header_carries_is_refused(
    data_dir: Path, token: str
) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        await start(data_dir, token=token)


async def test_everything_is_for_its_owner_only(data_dir: Path) -> None:
    old = os.umask(0)
    try:
        async with open_server(data_dir=data_dir):
            modes = modes_below(data_dir)
    finally:
        os.umask(old)
    assert {"lock", "token", "artifacts", "runt-sync.sqlite3"} <= modes.keys()
    for name, mode in modes.items():
        assert mode == (0o700 if name in {"", "artifacts"} else 0o600), name


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
async def test_a_token_that_others_can_read_is_not_used(
    data_dir: Path, mode: int
) -> None:
    await start(data_dir)
    (data_dir / "token").chmod(mode)
    with pytest.raises(TokenFileError, match=f"{mode:04o}"):
        await start(data_dir)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"two words"])
async def test_a_token_file_without_a_token_is_told(
    data_dir: Path, content: bytes
) -> None:
    await start(data_dir)
    (data_dir / "token").write_bytes(content)
    with pytest.raises(TokenFileError, match="holds no token"):
        await start(data_dir)


async def test_a_linked_token_is_not_followed(
    existing_dir: Path, tmp_path: Path
) -> None:
    planted = tmp_path / "planted"
    planted.write_text("planted")
    planted.chmod(0o600)
    (existing_dir / "token").symlink_to(planted)
    with pytest.raises(TokenFileError, match="unreadable"):
        await start(existing_dir)


async def test_an_interrupted_generation_is_made_up_for(existing_dir: Path) -> None:
    (existing_dir / "token.new").write_text("half")
    assert await start(existing_dir) != "half"


async def test_a_second_server_is_told_who_has_the_directory(data_dir: Path) -> None:
    async with open_server(data_dir=data_dir):
        with pytest.raises(DataDirInUseError, match=f"process {os.getpid()}"):
            await start(data_dir)


async def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirError, match="cannot be used"):
        await start(tmp_path / "file")


@pytest.mark.parametrize(
    "damage",
    [
        b"this is no database" * 100,
        b"SQLite format 3\0" + b"\xff" * 4000,
    ],
)
async def test_a_file_that_is_no_database_is_told(
    data_dir: Path, damage: bytes
) -> None:
    await start(data_dir)
    (data_dir / "runt-sync.sqlite3").write_bytes(damage)
    with pytest.raises(DatabaseFileError, match="damaged, or no database"):
        await start(data_dir)


async def test_a_torn_database_is_told(data_dir: Path) -> None:
    await start(data_dir)
    file = data_dir / "runt-sync.sqlite3"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DatabaseFileError, match="damaged"):
        await start(data_dir)


async def test_a_default_directory_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def user_data_path(name: str, *, appauthor: bool) -> Path:
        assert not appauthor
        return tmp_path / name

    monkeypatch.setattr(platformdirs, "user_data_path", user_data_path)
    assert default_data_dir() == tmp_path / "runt" / "sync"
    async with open_server() as server:
        assert (default_data_dir() / "token").read_text().strip() == server.token


async def test_a_port_in_use_is_told(server: Server, tmp_path: Path) -> None:
    port = int(server.base_url.rpartition(":")[2])
    with pytest.raises(BindError, match=f"port {port}: the port is in use"):
        async with open_server(data_dir=tmp_path / "other", port=port):
            pass
    await start(tmp_path / "other")  # the failed attempt holds nothing


async def test_an_address_of_another_machine_is_told(data_dir: Path) -> None:
    with pytest.raises(BindError, match="no such address"):
        async with open_server(data_dir=data_dir, host="192.0.2.1"):
            pass


async def test_the_same_port_can_be_taken_again_at_once(data_dir: Path) -> None:
    async with open_server(data_dir=data_dir) as server:
        port = int(server.base_url.rpartition(":")[2])
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        begin = trio.current_time()
    # A connection of the last moment does not hold the server up.
    assert trio.current_time() - begin < Limits().stop_s / 2
    async with open_server(data_dir=data_dir, port=port) as server:
        assert server.sync_url == f"ws://127.0.0.1:{port}/livestore"
    await stream.aclose()


async def test_a_wildcard_is_shown_as_an_address_to_connect_to(data_dir: Path) -> None:
    async with open_server(data_dir=data_dir, host="0.0.0.0") as server:
        assert server.base_url.startswith("http://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
async def test_ipv6_is_written_in_brackets(data_dir: Path) -> None:
    try:
        async with open_server(data_dir=data_dir, host="::1") as server:
            assert server.base_url.startswith("http://[::1]:")
    except BindError as error:
        assert "address" in error.reason.lower()  # noqa: PT017 - no IPv6 on this machine
