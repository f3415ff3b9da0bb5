"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# Other work on the same machine must not fail a test: speed is measured in benchmarks/.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--repeat-interrupts",
        type=int,
        default=10,
        metavar="N",
        help="stop each of the commonest shapes of cells N times (10)",
    )
