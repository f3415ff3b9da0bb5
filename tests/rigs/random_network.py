"""A network in which anything may happen next."""

from random import Random

from runt_protocol.testing import SimulatedNetwork


class RandomNetwork:
    """Takes steps of a `SimulatedNetwork`, each at a random one of its places.

    A step that is possible nowhere does nothing.

    Args:
        network: The network.
        random: Draws the places.
    """

    def __init__(self, network: SimulatedNetwork, random: Random) -> None:
        self._network = network
        self._random = random

    def client(self) -> int:
        """Draw a client."""
        return self._random.randrange(len(self._network.replicas))

    def open(self) -> None:
        client = self.client()
        if not self._network.is_open(client):
            self._network.open(client)

    def cut(self) -> None:
        client = self.client()
        if self._network.is_open(client):
            self._network.cut(client)

    def drop(self) -> None:
        if conn_ids := self._network.connections():
            self._network.drop(self._random.choice(conn_ids))

    def deliver_to_server(self) -> None:
        if conn_ids := self._network.deliverable_to_server():
            self._network.deliver_to_server(self._random.choice(conn_ids))

    def deliver_to_client(self) -> None:
        if clients := self._network.deliverable_to_client():
            self._network.deliver_to_client(self._random.choice(clients))

    def store(self) -> None:
        if self._network.server.appends:
            self._network.server.store_next()

    def fail_to_store(self) -> None:
        if self._network.server.appends:
            self._network.server.fail_to_store()

    def read(self, max_events: int) -> None:
        if conn_ids := list(self._network.server.reads):
            conn_id = self._random.choice(conn_ids)
            self._network.server.read_next(conn_id, max_events)
