"""What holds for all tests, and how much of them can be asked for."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["server_process"]

# Other work on the same machine must not fail a test: speed is measured in benchmarks/.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-route",
        action="store_true",
        help="run each attack of tests/security by each route, not a sample of them",
    )
    parser.addoption(
        "--fuzz",
        type=int,
        default=100_000,
        metavar="N",
        help="how many inputs tests/security/test_fuzz.py makes for each reader",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=50,
        help="how often tests/integration/test_kills.py kills a sandbox",
    )
    parser.addoption(
        "--server-kills",
        type=int,
        default=10,
        help="how often tests/runt-sync/faults kills the server under load",
    )
    parser.addoption(
        "--repeat-interrupts",
        type=int,
        default=10,
        metavar="N",
        help="how often tests/runt-worker stops each of the commonest shapes of cells",
    )
