"""The simulation finds what it is there to find: each mutation is a bug, put in."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from simulator import simulate
from simulator.mutations import MUTATIONS

MOST_SEEDS = 60


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_bug_is_found(name: str) -> None:
    mutation = MUTATIONS[name]

    complaints = failures([mutation.hint, *range(MOST_SEEDS)], mutation.replacements)

    assert any(mutation.complaint in complaint for complaint in complaints)


def failures(seeds: Iterable[int], mutations: Mapping[str, Any]) -> Iterable[str]:
    for seed in seeds:
        failure = simulate(seed, mutations).failure
        if failure is not None:
            yield f"{type(failure).__name__}: {failure}"
