import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_cli._errors import ConfigurationError
from runt_cli._settings import (
    Connection,
    Flags,
    parse_env_file,
    resolve_connection,
    server_token,
)

COMPLETE = {"NOTEBOOK_ID": "n-env", "AUTH_TOKEN": "t-env"}


def test_a_flag_beats_the_environment_and_the_environment_beats_the_file() -> None:
    file_values = {
        "NOTEBOOK_ID": "n-file",
        "AUTH_TOKEN": "t-file",
        "RUNTIME_ID": "r-file",
    }
    connection = resolve_connection(
        Flags(notebook="n-flag"), {"AUTH_TOKEN": "t-env"}, file_values
    )
    assert connection == Connection(
        notebook_id="n-flag",
        auth_token="t-env",
        sync_url=None,
        runtime_id="r-file",
    )


def test_auth_token_beats_the_name_that_the_web_application_uses() -> None:
    both = {**COMPLETE, "RUNT_API_KEY": "key"}
    assert resolve_connection(Flags(), both, {}).auth_token == "t-env"
    del both["AUTH_TOKEN"]
    assert resolve_connection(Flags(), both, {}).auth_token == "key"


def test_a_weaker_source_does_not_win_by_a_better_name() -> None:
    connection = resolve_connection(
        Flags(), {"NOTEBOOK_ID": "n", "RUNT_API_KEY": "env"}, {"AUTH_TOKEN": "file"}
    )
    assert connection.auth_token == "env"


def test_empty_values_count_as_not_given() -> None:
    environment = {**COMPLETE, "LIVESTORE_SYNC_URL": ""}
    connection = resolve_connection(Flags(notebook=""), environment, {})
    assert (connection.notebook_id, connection.sync_url) == ("n-env", None)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"AUTH_TOKEN": "t"}, ["--notebook", "NOTEBOOK_ID"]),
        ({"NOTEBOOK_ID": "n"}, ["--auth-token", "AUTH_TOKEN", "RUNT_API_KEY"]),
        ({}, ["--notebook", "NOTEBOOK_ID", "--auth-token", "AUTH_TOKEN"]),
    ],
)
def test_what_is_missing_is_named_with_flag_and_variable(
    environment: dict[str, str], named: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_connection(Flags(), environment, {})
    assert [name for name in named if name not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_the_token_stays_out_of_every_repr() -> None:
    flags = Flags(notebook="n", auth_token="secret")
    connection = resolve_connection(flags, {}, {})
    assert "secret" not in repr(flags) + repr(connection)


def test_an_env_file_has_comments_exports_and_quotes() -> None:
    text = (
        "# mine\n\nexport NOTEBOOK_ID=abc\nAUTH_TOKEN = 'a=b c'\nRUNTIME_ID=\"r\"\nX=\n"
    )
    assert parse_env_file(text) == {
        "NOTEBOOK_ID": "abc",
        "AUTH_TOKEN": "a=b c",
        "RUNTIME_ID": "r",
        "X": "",
    }


def test_a_malformed_line_is_named_by_its_number_and_never_shown() -> None:
    with pytest.raises(ConfigurationError, match="Line 2") as caught:
        parse_env_file("A=1\nhidden-token\n")
    assert "hidden" not in str(caught.value)


@given(st.text())
def test_any_text_gives_variables_or_a_configuration_error(text: str) -> None:
    try:
        values = parse_env_file(text)
    except ConfigurationError:
        return
    assert all(name.isidentifier() for name in values)


def test_the_server_has_a_token_variable_of_its_own() -> None:
    assert server_token({"AUTH_TOKEN": "the hosted service's"}) is None
    assert server_token({"RUNT_SYNC_TOKEN": ""}) is None
    assert server_token({"RUNT_SYNC_TOKEN": "abc"}) == "abc"


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "\xe9"])
def test_a_token_that_no_header_carries_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError, match="RUNT_SYNC_TOKEN") as caught:
        server_token({"RUNT_SYNC_TOKEN": token})
    assert token not in str(caught.value)
