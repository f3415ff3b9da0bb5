import errno

from runt_cli._errors import ConfigurationError, sentences


def test_an_error_of_ours_is_its_own_sentence() -> None:
    assert sentences(ConfigurationError("say this")) == ["say this"]


def test_a_group_gives_each_sentence_once() -> None:
    group = BaseExceptionGroup(
        "nursery",
        [
            ConfigurationError("one"),
            ExceptionGroup("inner", [ConfigurationError("one"), OSError("two")]),
        ],
    )
    assert sentences(group) == ["one", "two"]


def test_an_error_of_the_operating_system_names_its_file() -> None:
    error = OSError(errno.ENOENT, "No such file or directory", "missing.ipynb")
    assert sentences(error) == ["missing.ipynb: No such file or directory"]


def test_a_fault_of_ours_is_not_expected_even_beside_an_expected_error() -> None:
    assert sentences(KeyError("x")) is None
    assert sentences(ExceptionGroup("g", [ConfigurationError("a"), KeyError()])) is None
    assert sentences(KeyboardInterrupt()) is None
