"""Which packages a request needs, by an index on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runt_worker._packages import (
    PackageUnavailableError,
    RequirementError,
    ResolutionError,
    WheelCache,
)
from runt_worker._packages._installation import Installer, LocalWheel, Present

if TYPE_CHECKING:
    from .conftest import Ask, Index, MakeInstaller


def test_the_newest_final_version_with_all_it_needs(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1.0")
    index.add("spam", "1.10", ["eggs>=2", "linux-only; sys_platform == 'linux'"])
    index.add("spam", "2.0rc1")
    index.add("eggs", "3.0", ["ham"])
    index.add("ham", "0.1")
    assert ask(installer, "Spam") == ["eggs 3.0", "ham 0.1", "spam 1.10"]
    assert ask(installer, "spam==1.0") == ["spam 1.0"]
    assert ask(installer, "spam<1.10") == ["spam 1.0"]
    assert ask(installer, "spam", pre=True)[-1] == "spam 2.0rc1"
    assert ask(installer, "spam", no_deps=True) == ["spam 1.10"]
    assert ask(installer, "spam", constraints=["spam<1.5"]) == ["spam 1.0"]


def test_markers_are_those_of_the_sandbox(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add(
        "spam",
        "1",
        [
            "a; sys_platform == 'emscripten'",
            "b; python_version < '3.14'",
            "c; platform_machine == 'wasm32' and implementation_name == 'cpython'",
            "d; extra == 'all'",
        ],
    )
    for name in "ac":
        index.add(name, "1")
    assert ask(installer, "spam") == ["a 1", "c 1", "spam 1"]
    assert ask(installer, "spam; sys_platform == 'win32'") == []


def test_extras_add_what_they_need(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add(
        "spam",
        "1",
        ["eggs; extra == 'break_fast'", "self; extra == 'self'", "spam[break-fast]"],
    )
    index.add("eggs", "1", ["salt; extra == 'x'"])
    assert ask(installer, "spam") == ["eggs 1", "spam 1"]
    assert ask(installer, "spam[Break.Fast]") == ["eggs 1", "spam 1"]


def test_it_goes_back_to_versions_that_go_together(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "2", ["ham>=2"])
    index.add("spam", "1", ["ham<2"])
    index.add("eggs", "1", ["ham==1"])
    index.add("ham", "1")
    index.add("ham", "2")
    assert ask(installer, "spam", "eggs") == ["eggs 1", "ham 1", "spam 1"]


def test_what_contradicts_each_other_is_named(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1", ["ham<2"])
    index.add("eggs", "1", ["ham>=2"])
    index.add("ham", "1")
    index.add("ham", "2")
    with pytest.raises(ResolutionError) as caught:
        ask(installer, "spam", "eggs")
    assert "spam 1 needs ham<2" in str(caught.value)
    assert "eggs 1 needs ham>=2" in str(caught.value)


def test_wheels_for_pyodide_fit_and_others_do_not(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1", tag="cp314-cp314-pyemscripten_2026_0_wasm32")
    index.add("spam", "2", tag="cp314-cp314-pyemscripten_2025_0_wasm32")
    index.add("spam", "3", tag="cp314-cp314-manylinux_2_28_x86_64")
    index.add("spam", "4", requires_python="<3.14")
    index.add("spam", "5", yanked="broken")
    index.add("spam", "6", more="Requires-Python: >=3.15\n")
    assert ask(installer, "spam") == ["spam 1"]


def test_without_a_wheel_it_says_what_there_is(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add_source("old", "1.0")
    index.add("fast", "2.0", tag="cp313-cp313-manylinux_2_28_x86_64")
    index.add("fast", "1.0")
    index.add("late", "1.0", requires_python=">=3.20")
    for wanted, expected in [
        ("old", "1.0 is a source archive only"),
        ("fast>1", "cp313-cp313-manylinux_2_28_x86_64"),
        ("fast>1", "versions with a wheel that works here: 1.0"),
        ("fast==9", "no such version"),
        ("late", "wants Python >=3.20; the sandbox has 3.14"),
        ("missing", "the package index has no project 'missing'"),
    ]:
        with pytest.raises(ResolutionError, match=expected.replace(".", r"\.")):
            ask(installer, wanted)


def test_a_dependency_that_cannot_be_had_is_named_with_who_needs_it(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    for number in range(400):
        index.add("spam", f"1.{number}", ["fast"], serves_metadata=True)
    index.add("fast", "1", tag="cp313-cp313-win_amd64")
    with pytest.raises(ResolutionError, match="fast, which spam needs, cannot be"):
        ask(installer, "spam")
    read = [path for path in index.web.requests if path.endswith(".metadata")]
    assert len(read) < 200, "it went through every version"


def test_what_the_session_has_stays_unless_it_does_not_do(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("spam", "1")
    index.add("spam", "2")
    present = {"spam": Present("1", None)}
    plan = ask.plan(installer, "spam", present=present)
    assert (plan.packages, plan.satisfied) == ((), (("spam", "1"),))
    assert index.web.requests == [], "nobody has to be asked"
    [upgraded] = ask.plan(installer, "spam", present=present, upgrade=True).packages
    assert (upgraded.version, upgraded.replaces) == ("2", "1")
    assert ask(installer, "spam>1", present=present) == ["spam 2"]


def test_pyodides_version_is_preferred_unless_another_is_asked_for(
    index: "Index", make_installer: "MakeInstaller", ask: "Ask"
) -> None:
    index.add("spam", "1")
    index.add("spam", "3")
    installer = make_installer(
        [
            ask.locked("spam", "2", depends=["libham"]),
            ask.locked("libham", "1", package_type="shared_library"),
        ]
    )
    assert ask(installer, "spam") == ["libham 1", "spam 2"]
    assert ask(installer, "spam>2") == ["spam 3"]
    assert ask(installer, "spam", upgrade=True) == ["spam 3"]


def test_a_shared_library_of_pyodides_never_comes_from_an_index(
    index: "Index", make_installer: "MakeInstaller", ask: "Ask"
) -> None:
    index.add("libham", "9")
    library = ask.locked("libham", "1", package_type="shared_library")
    with pytest.raises(ResolutionError):
        ask(make_installer([library]), "libham>1")


def test_where_pyodides_own_build_cannot_be_had_the_indexs_is_taken(
    index: "Index", make_installer: "MakeInstaller", ask: "Ask"
) -> None:
    index.add("spam", "1")
    index.add("spam", "2", ["eggs"])
    index.add("spam", "3")
    index.add("eggs", "1")
    installer = make_installer([ask.locked("spam", "2")])
    plan, installed = installer.provide(ask.plan(installer, "spam"))
    assert [(it.name, it.version) for it in installed] == [("eggs", "1"), ("spam", "2")]
    assert (installed[1].path / "spam.py").is_file()
    assert plan.unavailable
    # Now that it is in the cache, nobody tries in vain again.
    [_, spam] = ask.plan(installer, "spam").packages
    assert (spam.origin, spam.is_ready) == ("the package cache", True)


def test_what_nobody_has_is_explained(
    make_installer: "MakeInstaller", ask: "Ask"
) -> None:
    installer = make_installer([ask.locked("spam", "2")])
    with pytest.raises(PackageUnavailableError, match=r"spam-2-py3-none-any\.whl"):
        installer.provide(ask.plan(installer, "spam"))


def test_a_warm_cache_is_enough_without_a_network(
    index: "Index", installer: Installer, make_installer: "MakeInstaller", ask: "Ask"
) -> None:
    index.add("spam", "1", ["eggs"])
    index.add("eggs", "1")
    installer.provide(ask.plan(installer, "spam"))
    offline = make_installer(url="http://127.0.0.1:9/simple/")
    _, installed = offline.provide(ask.plan(offline, "spam"))
    assert [it.name for it in installed] == ["eggs", "spam"]
    with pytest.raises(ResolutionError, match="cannot be reached"):
        ask(offline, "ham")


def test_a_directory_of_wheels_is_looked_into(
    tmp_path: Path, make_installer: "MakeInstaller", ask: "Ask", cache: WheelCache
) -> None:
    wheel = tmp_path / "wheels" / "my_spam-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(ask.wheel_bytes("my-spam", "1")[0])
    installer = make_installer(
        url="http://127.0.0.1:9/simple/", packages_dir=wheel.parent
    )
    _, [installed] = installer.provide(ask.plan(installer, "my-spam"))
    assert (installed.path / "my_spam.py").is_file()
    assert [file.file_name for file in cache.files()] == [wheel.name]


def test_only_listed_hashes_are_accepted(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    old = index.add("spam", "1")["hashes"]["sha256"]
    index.add("spam", "2")
    assert ask(installer, "spam", hashes={"Spam": [old]}) == ["spam 1"]
    with pytest.raises(ResolutionError):
        ask(installer, "spam", hashes={"spam": ["0" * 64]})


def test_metadata_is_read_however_the_index_serves_it(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("eggs", "1")
    index.add("spam", "1", ["eggs"], serves_metadata=False)
    assert ask(installer, "spam") == ["eggs 1", "spam 1"]
    index.web.ranges = False
    index.add("ham", "1", ["eggs"], serves_metadata=False)
    assert ask(installer, "ham") == ["eggs 1", "ham 1"]


def test_a_wheel_of_the_guests_brings_what_it_needs(
    index: "Index", installer: Installer, ask: "Ask"
) -> None:
    index.add("eggs", "1")
    index.add("salt", "1")
    wheel = LocalWheel.parse(
        "my_spam-1-py3-none-any.whl",
        ["eggs", "salt; extra == 'full'"],
        extras=["full"],
    )
    assert ask(installer, wheels=[wheel]) == ["eggs 1", "my-spam 1", "salt 1"]
    foreign = LocalWheel.parse("spam-1-cp313-cp313-linux_x86_64.whl", [])
    with pytest.raises(RequirementError, match="not for the sandbox"):
        ask(installer, wheels=[foreign])
