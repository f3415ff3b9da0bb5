"""LiveStore 0.3 clients of all stores that cannot say where they stand, in a file.

When a server is killed, they connect to the next one and wait for what they will not
ask for again (see `runt_protocol.KnownClient`). What is known of them changes with
every frame that comes to one, and what is out of date is worse than nothing. So each
change is a line that is appended at once. The lines are never waited for: they outlive
the process, and where the machine itself fails, its clients mostly fail too.
"""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from runt_protocol import KnownClient

from ._errors import DataDirError
from ._limits import Limits

_log = logging.getLogger("runt_sync")


class _Line(msgspec.Struct, frozen=True, array_like=True):
    """A change; without a client, nothing is known under the `pull_id` any more."""

    store_id: str
    pull_id: str
    client: KnownClient | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Line)


class KnownClients:
    """What is known, in memory and in a file.

    Args:
        host_path: The file, which nobody else uses.
        limits: How many stores are remembered, and how long the file may get.

    Raises:
        OSError: The file cannot be read or written.
    """

    def __init__(self, host_path: Path, limits: Limits) -> None:
        self._host_path = host_path
        self._limits = limits
        self._stores: dict[str, dict[str, KnownClient]] = {}
        self._size = 0
        self._load()
        self._fd = -1
        self._rewrite()

    def of_store(self, store_id: str) -> list[KnownClient]:
        """Return the clients of a store; the last one was heard of last."""
        return list(self._stores.get(store_id, {}).values())

    def remember(self, store_id: str, client: KnownClient) -> None:
        """Keep what is known of a client, in the place of what was known before."""
        self._change(_Line(store_id, client.pull_id, client))

    def forget(self, store_id: str, pull_id: str) -> None:
        """Drop what is known of a client, if anything is."""
        if pull_id in self._stores.get(store_id, {}):
            self._change(_Line(store_id, pull_id))

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _change(self, line: _Line) -> None:
        self._apply(line)
        self._append(_ENCODER.encode(line) + b"\n")
        if self._size > self._limits.max_known_clients_bytes:
            try:
                self._rewrite()
            except OSError as error:
                self._give_up(error)

    def _apply(self, line: _Line) -> None:
        clients = self._stores.pop(line.store_id, {})
        clients.pop(line.pull_id, None)
        if line.client is not None:
            clients[line.pull_id] = line.client
        if clients:
            self._stores[line.store_id] = clients  # the last one changed last
        while len(self._stores) > self._limits.max_known_stores:
            del self._stores[next(iter(self._stores))]

    def _append(self, data: bytes) -> None:
        if self._fd < 0:
            return
        try:
            while data:
                written = os.write(self._fd, data)
                self._size += written
                data = data[written:]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Keep nothing in the file any more, rather than what is out of date."""
        _log.error("clients of LiveStore 0.3 are not kept: %s", error.strerror)
        os.ftruncate(self._fd, 0)  # which needs no space
        self.close()

    def _load(self) -> None:
        try:
            data = self._host_path.read_bytes()
        except FileNotFoundError:
            return
        *lines, _torn = data.split(b"\n")
        try:
            for line in lines:
                self._apply(_DECODER.decode(line))
        except msgspec.MsgspecError:
            _log.warning("%s is damaged and left out", self._host_path.name)
            self._stores.clear()

    def _rewrite(self) -> None:
        lines = [
            _Line(store_id, client.pull_id, client)
            for store_id, clients in self._stores.items()
            for client in clients.values()
        ]
        data = b"".join(_ENCODER.encode(line) + b"\n" for line in lines)
        fresh = self._host_path.with_name(f"{self._host_path.name}.new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(fresh, flags, 0o600)
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
            fresh.rename(self._host_path)
        except OSError:
            os.close(fd)
            raise
        self.close()
        self._fd, self._size = fd, len(data)


@contextmanager
def open_known_clients(host_path: Path, limits: Limits) -> Generator[KnownClients]:
    """Open the file for as long as the block runs; make it if there is none.

    Args:
        host_path: The file. A new one is readable by its owner only (0600).
        limits: How many stores are remembered, and how long the file may get.

    Raises:
        DataDirError: The file cannot be read or written.
    """
    try:
        known = KnownClients(host_path, limits)
    except OSError as error:
        reason = f"cannot be used: {host_path.name}: {error.strerror}"
        raise DataDirError(host_path.parent, reason) from None
    try:
        yield known
    finally:
        known.close()
