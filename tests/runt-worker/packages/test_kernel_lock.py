from importlib.resources import files

import pytest

from runt_worker._packages import KernelLock, LockFileError


def test_holds_ipython_and_what_it_needs() -> None:
    packages = KernelLock.load().packages
    assert {"ipython", "jedi", "pygments", "traitlets"} < set(packages)
    # These do not exist for WebAssembly; IPython does without them there.
    assert not {"psutil", "pexpect"} & set(packages)


def test_every_pin_is_a_pure_wheel() -> None:
    for name, pin in KernelLock.load().packages.items():
        assert pin.name == name
        assert pin.file_name.endswith("-none-any.whl")
        assert pin.file_name.startswith(f"{name.replace('-', '_')}-{pin.version}-")


def test_the_file_names_no_address() -> None:
    text = files("runt_worker").joinpath("kernel_lock.json").read_text("utf-8")
    assert "/" not in text


@pytest.mark.parametrize("data", [b"", b"{}", b'{"packages":[{"name":"a"}]}', b"\xff"])
def test_what_is_no_lock_is_refused(data: bytes) -> None:
    with pytest.raises(LockFileError):
        KernelLock.parse(data)
