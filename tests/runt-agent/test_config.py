import pytest

from runt_agent import HOSTED_SYNC_URL, AgentConfig, ConfigError


def test_only_notebook_and_token_have_to_be_given() -> None:
    first = AgentConfig(notebook_id="nb", auth_token="hidden")
    second = AgentConfig(notebook_id="nb", auth_token="hidden")

    assert first.sync_url == HOSTED_SYNC_URL
    assert first.session_id != second.session_id
    assert first.runtime_id != second.runtime_id


def test_the_token_is_not_shown() -> None:
    config = AgentConfig(notebook_id="nb", auth_token="hidden")

    assert "hidden" not in repr(config)
    assert "hidden" not in str(config.service)


def test_the_payload_is_the_one_of_a_runtime() -> None:
    config = AgentConfig(
        notebook_id="nb", auth_token="t", runtime_id="r", session_id="s"
    )

    assert list(config.payload("u").items()) == [
        ("authToken", "t"),
        ("runtime", True),
        ("runtimeId", "r"),
        ("sessionId", "s"),
        ("userId", "u"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"notebook_id": ""},
        {"notebook_id": "a b"},
        {"notebook_id": "nötebook"},
        {"auth_token": "two\nlines"},
        {"sync_url": "http://host"},
        {"runtime_id": ""},
        {"session_id": ""},
    ],
)
def test_what_can_never_work_is_refused_at_once(wrong: dict[str, str]) -> None:
    settings = {"notebook_id": "nb", "auth_token": "t"} | wrong

    with pytest.raises(ConfigError):
        AgentConfig(**settings)  # pyright: ignore[reportArgumentType] - all are texts
