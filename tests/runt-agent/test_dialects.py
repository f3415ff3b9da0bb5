from runt_agent._dialects import Dialects


def dialects(version: str | None = None) -> Dialects:
    payload = {"authToken": "t"}
    return Dialects("ws://host/livestore", "nb", payload, version)  # pyright: ignore[reportArgumentType] - the tests' own


def test_what_the_hosted_service_speaks_comes_first() -> None:
    tried = dialects()
    assert tried.wire.version == "0.3"
    assert tried.url.startswith("ws://host/livestore/websocket?storeId=nb&payload=")
    assert tried.refuse(400, "Invalid path") is None
    assert tried.wire.version == "0.4"
    assert tried.url.startswith("ws://host/livestore?storeId=nb&payload=")
    assert tried.url.endswith("&transport=ws")


def test_a_refusal_of_all_versions_says_all_that_was_said() -> None:
    tried = dialects()
    tried.refuse(400, "Invalid path")
    assert tried.refuse(401, "bad token") == (400, "Invalid path / bad token")
    assert tried.wire.version == "0.3"
    tried.refuse(400, "bad token")
    assert tried.refuse(400, "bad token") == (400, "bad token")


def test_refusals_before_a_version_was_accepted_do_not_count() -> None:
    tried = dialects()
    tried.refuse(400, "Invalid path")
    tried.accept()
    assert tried.wire.version == "0.4"
    assert tried.refuse(400, "bad token") is None
    assert tried.wire.version == "0.3"


def test_a_version_that_is_known_is_the_only_one() -> None:
    tried = dialects("0.4")
    assert tried.wire.version == "0.4"
    assert tried.refuse(400, "no") == (400, "no")
    tried.try_next()
    assert tried.wire.version == "0.4"
