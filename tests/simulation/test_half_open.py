"""A connection that dies without a word, while its client has much to send."""

from dataclasses import replace
from random import Random

import pytest
from simulator import simulate
from simulator._faults import Faults
from simulator._world import Plan, World
from simulator.mutations import TrustsSilence


class NarrowPlan:
    @staticmethod
    def draw(random: Random) -> Plan:
        plan = Plan.draw(random)
        return replace(plan, window=300, duration_s=90.0, fault_pause_s=4.0)


class OnlyHalfOpen(Faults):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._kinds = {self.half_open: 1.0}
        self.loses_store_at = None


# With these a client once waited in a send and never looked for the missing Pong.
@pytest.mark.parametrize("seed", [4, 15])
def test_a_client_that_cannot_send_finds_out_by_its_pings(seed: int) -> None:
    narrow = {
        "simulator._simulation.Plan": NarrowPlan,
        "simulator._simulation.Faults": OnlyHalfOpen,
    }

    outcome = simulate(seed, narrow)

    assert outcome.failure is None, outcome.trace


def test_a_client_without_pings_is_found() -> None:
    narrow = {
        "simulator._simulation.Plan": NarrowPlan,
        "simulator._simulation.Faults": OnlyHalfOpen,
        "runt_protocol._replica.SyncClient": TrustsSilence,
    }

    failures = [str(simulate(seed, narrow).failure) for seed in (2, 5, 12, 14)]

    assert any("half-open" in failure for failure in failures)
