"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# Other work on the same machine must not fail a test: speed is measured in benchmarks/.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")
