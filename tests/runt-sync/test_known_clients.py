"""The file of clients that cannot say where they stand."""

import resource
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_protocol import KnownClient
from runt_sync import DataDirError, Limits
from runt_sync._known_clients import KnownClients, open_known_clients

A = KnownClient("of-a", has=3, client_id="a", acks=("push",))
B = KnownClient("of-b", has=0)


@pytest.fixture
def host_path(tmp_path: Path) -> Path:
    return tmp_path / "known-clients.jsonl"


@contextmanager
def opened(host_path: Path, limits: Limits | None = None) -> Generator[KnownClients]:
    with open_known_clients(host_path, limits or Limits()) as known:
        yield known


def test_what_was_remembered_last_is_there_after_a_crash(host_path: Path) -> None:
    with opened(host_path) as known:
        known.remember("one", A)
        known.remember("one", B)
        known.remember("other", B)
        known.remember("one", KnownClient("of-a", has=4))
        known.forget("other", "of-b")
        known.forget("other", "nobody")
        content = host_path.read_bytes()  # nothing waits for an end in good order
    host_path.write_bytes(content)

    with opened(host_path) as known:
        assert known.of_store("one") == [B, KnownClient("of-a", has=4)]
        assert known.of_store("other") == []


def test_a_torn_line_at_the_end_is_left_out(host_path: Path) -> None:
    with opened(host_path) as known:
        known.remember("one", A)
        known.remember("one", B)
    whole = host_path.read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole)):
        host_path.write_bytes(whole[:length])
        with opened(host_path) as known:
            assert known.of_store("one") == [A]


def test_a_damaged_file_is_worth_nothing(
    host_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(host_path) as known:
        known.remember("one", A)
    host_path.write_bytes(host_path.read_bytes() + b"rubbish\n")

    with opened(host_path) as known:
        assert known.of_store("one") == []
    assert "known-clients.jsonl is damaged" in caplog.text
    assert host_path.read_bytes() == b""


def test_only_its_owner_can_read_it(host_path: Path) -> None:
    with opened(host_path):
        assert stat.S_IMODE(host_path.stat().st_mode) == 0o600


def test_the_file_does_not_grow_for_ever(host_path: Path) -> None:
    with opened(host_path, Limits(max_known_clients_bytes=1_000)) as known:
        for number in range(1_000):
            known.remember("one", KnownClient("of-a", has=number))
            assert host_path.stat().st_size < 1_200
    with opened(host_path) as known:
        assert known.of_store("one") == [KnownClient("of-a", has=999)]


def test_the_stores_that_changed_last_are_remembered(host_path: Path) -> None:
    with opened(host_path, Limits(max_known_stores=2)) as known:
        for store_id in ("one", "two", "one", "three"):
            known.remember(store_id, A)
        assert [bool(known.of_store(s)) for s in ("one", "two", "three")] == [1, 0, 1]


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(DataDirError, match=r"known-clients\.jsonl"),
        opened(tmp_path / "nowhere" / "known-clients.jsonl"),
    ):
        pass


def test_on_a_full_disk_nothing_is_kept_rather_than_what_is_out_of_date(
    host_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(host_path) as known:
        known.remember("one", A)
        size = host_path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, unlimited[1]))
        try:
            known.remember("one", B)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert known.of_store("one") == [A, B]  # as long as this server runs
        known.remember("one", KnownClient("of-a", has=9))
        assert host_path.read_bytes() == b""
    assert "clients of LiveStore 0.3 are not kept: File too large" in caplog.text


changes = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from(["of-a", "of-b", "of-c"]),
        st.none() | st.integers(0, 9),
    )
)


@given(changes)
def test_a_new_server_knows_what_the_last_one_knew(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, str, int | None]],
) -> None:
    host_path = tmp_path_factory.mktemp("known") / "known"
    with opened(host_path) as known:
        for store_id, pull_id, has in changes:
            if has is None:
                known.forget(store_id, pull_id)
            else:
                known.remember(store_id, KnownClient(pull_id, has))
        before = [known.of_store(store_id) for store_id in ("one", "two")]
    with opened(host_path) as known:
        assert [known.of_store(store_id) for store_id in ("one", "two")] == before
