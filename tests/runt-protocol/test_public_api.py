import inspect
from types import ModuleType

import pytest

import runt_protocol
from runt_protocol import testing


@pytest.mark.parametrize("module", [runt_protocol, testing])
def test_all_names_exactly_what_is_public(module: ModuleType) -> None:
    listed: list[str] = module.__all__
    assert len(set(listed)) == len(listed)
    found = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert found == set(listed)


def test_every_error_has_the_package_base() -> None:
    errors = [
        value
        for value in vars(runt_protocol).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(errors) > 4
    assert all(issubclass(error, runt_protocol.ProtocolError) for error in errors)
