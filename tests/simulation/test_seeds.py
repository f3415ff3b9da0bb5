"""Seeds that once failed, and as many fresh ones as there is time for."""

import subprocess
import sys
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from simulator import Outcome, simulate

SIMULATE = Path(__file__).with_name("simulate.py")
BUDGET_S = 30
AT_LEAST = 5

# Each was found by `hatch run simulate`, and names what it found.
CORPUS = {
    56: "a client waited up to 30 s before it tried a server that was back again",
    5_000_177: "the simulation's end took the server from an agent that dialled it",
    5_000_683: "a token that was refused for a moment had a client read the log again",
}


def ensure_passed(outcome: Outcome) -> None:
    if outcome.failure is not None:
        print(outcome.trace)  # noqa: T201 - pytest shows it with the failure
        raise AssertionError(f"seed {outcome.seed} fails") from outcome.failure


@pytest.mark.parametrize("seed", CORPUS)
def test_what_once_failed_passes(seed: int) -> None:
    ensure_passed(simulate(seed))


def test_fresh_seeds_pass(capsys: pytest.CaptureFixture[str]) -> None:
    until = monotonic() + BUDGET_S
    for seed in count():
        if seed >= AT_LEAST and monotonic() >= until:
            with capsys.disabled():
                print(f" {seed} seeds simulated")  # noqa: T201 - how many there was time for
            return
        ensure_passed(simulate(seed))


@pytest.mark.parametrize("seed", [1, 4])
def test_a_seed_gives_the_same_simulation_again_in_any_process(seed: int) -> None:
    program = (
        "import logging, sys; logging.disable(); from simulator import simulate;"
        "o = simulate(int(sys.argv[1])); print(o.digest, o.events, o.simulated_s)"
    )

    def run(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", program, str(seed)],
            cwd=SIMULATE.parent,
            env={"PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert run("1") == run("2")


def test_the_command_reports_what_it_has_simulated() -> None:
    command = [sys.executable, str(SIMULATE), "--seeds", "2", "--seconds", "600"]

    run = subprocess.run(command, check=True, capture_output=True, text=True)

    assert run.stdout.startswith("2 seeds passed: ")
