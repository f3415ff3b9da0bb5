"""Run the fault simulation, as `hatch run simulate`, seed after seed."""

import argparse
import logging
import sys
import traceback
from collections import Counter
from itertools import count
from time import monotonic

from simulator import Outcome, simulate


def main() -> int:
    """Simulate seed after seed until one fails or the bounds are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="this seed alone, with its trace")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=None, help="how many at most")
    parser.add_argument("--seconds", type=float, default=120, help="how long at most")
    arguments = parser.parse_args()
    # What breaks is expected to, and a failing seed is told with its trace.
    logging.disable()
    if arguments.seed is not None:
        return report(simulate(arguments.seed), with_trace=True)
    until = monotonic() + arguments.seconds
    outcomes: list[Outcome] = []
    for seed in count(arguments.first):
        if len(outcomes) == arguments.seeds or monotonic() >= until:
            break
        outcomes.append(simulate(seed))
        if report(outcomes[-1], with_trace=False):
            return 1
    print(summary(outcomes))  # noqa: T201 - a command
    return 0


def report(outcome: Outcome, *, with_trace: bool) -> int:
    """Print what a seed has shown, if it is anything; return 1 if it failed."""
    if outcome.failure is not None:
        print(outcome.trace)  # noqa: T201 - a command
        traceback.print_exception(outcome.failure)
        print(f"seed {outcome.seed} fails: {outcome.failure}")  # noqa: T201 - a command
        return 1
    if with_trace:
        print(outcome.trace)  # noqa: T201 - a command
        print(summary([outcome]))  # noqa: T201 - a command
    return 0


def summary(outcomes: list[Outcome]) -> str:
    """Say in a paragraph what was simulated."""
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    kinds = ", ".join(f"{name} {n:,}" for name, n in faults.most_common())
    return (
        f"{len(outcomes):,} seeds passed: "
        f"{sum(o.simulated_s for o in outcomes) / 3600:.1f} simulated hours, "
        f"{sum(o.acks for o in outcomes):,} acknowledged events, "
        f"{sum(o.executions for o in outcomes):,} executions; faults: {kinds}"
    )


if __name__ == "__main__":
    sys.exit(main())
