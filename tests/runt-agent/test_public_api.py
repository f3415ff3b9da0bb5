import runt_agent
import runt_agent._errors as errors


def test_all_names_are_there_and_sorted_as_the_linter_wants_them() -> None:
    names = runt_agent.__all__

    assert all(hasattr(runt_agent, name) for name in names)
    assert len(names) == len(set(names))


def test_every_error_is_public_and_an_agent_error() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in runt_agent.__all__
            assert issubclass(value, runt_agent.AgentError)
            assert name in (errors.__doc__ or "")
