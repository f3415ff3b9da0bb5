"""Requirements files: what they ask for, and what they cannot ask for."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_worker._packages import RequirementError
from runt_worker._packages._installation import (
    check_python,
    parse_requirements_file,
    request_of_lines,
)

SUM = "a" * 64


def test_comments_continuations_options_and_hashes() -> None:
    found = parse_requirements_file(
        f"""
# a comment
spam>=1,<2 ; python_version > "3"  # why
eggs[extra]==1.0 \\
    --hash=sha256:{SUM} \\
    --hash=sha256:{"b" * 64}
-r more.txt
-c limits.txt
--requirement=other.txt
--pre
./wheels/ham-1-py3-none-any.whl
"""
    )
    assert found.requirements == [
        'spam>=1,<2 ; python_version > "3"',
        "eggs[extra]==1.0",
    ]
    assert found.hashes == {"eggs": [SUM, "b" * 64]}
    assert found.includes == ["more.txt", "other.txt"]
    assert found.constraints == ["limits.txt"]
    assert found.wheels == ["./wheels/ham-1-py3-none-any.whl"]
    assert found.pre


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--index-url https://example.org", "pip configuration"),
        ("-f /etc", "pip configuration"),
        ("-e .", "nothing can be built"),
        ("--global-option x", "has no meaning here"),
        ("spam --hash=md5:123", "none of its hashes"),
        ("spam @ https://example.org/x.whl", "nowhere else"),
        ("not a requirement", "no requirement"),
    ],
)
def test_what_is_refused(line: str, reason: str) -> None:
    with pytest.raises(RequirementError, match=reason):
        parse_requirements_file(line)


def test_lines_make_a_request() -> None:
    request = request_of_lines([f"spam --hash=sha256:{SUM}", "--pre"], ["eggs<2"])
    assert [str(it) for it in request.requirements] == ["spam"]
    assert [str(it) for it in request.constraints] == ["eggs<2"]
    assert request.hashes == {"spam": frozenset([SUM])}
    assert request.pre
    with pytest.raises(RequirementError, match="files are not read here"):
        request_of_lines(["-r /etc/passwd"])


@given(
    st.text(alphabet=st.sampled_from("spam-=<>.[]@:/#\\ \n\t;'\"~!0123"), max_size=60)
)
def test_any_text_is_a_file_or_refused(text: str) -> None:
    with contextlib.suppress(RequirementError):
        parse_requirements_file(text)


def test_a_file_that_is_too_long() -> None:
    with pytest.raises(RequirementError, match="characters"):
        parse_requirements_file("#\n" * 1_000_000)


@pytest.mark.parametrize("text", ["", ">=3.11", "==3.14.*", "~=3.14"])
def test_pythons_that_the_sandbox_has(text: str) -> None:
    check_python(text)


@pytest.mark.parametrize("text", ["<3.14", ">=3.15", "three"])
def test_pythons_that_the_sandbox_has_not(text: str) -> None:
    with pytest.raises(RequirementError, match="requires-python"):
        check_python(text)
