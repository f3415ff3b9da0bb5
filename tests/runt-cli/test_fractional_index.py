import itertools

from hypothesis import given
from hypothesis import strategies as st

from runt_cli._fractional_index import indexes_after

TAKEN = st.one_of(
    st.none(), st.text("0123456789az", max_size=6), st.text(st.characters(), max_size=4)
)


@given(TAKEN, st.integers(0, 100))
def test_indexes_ascend_behind_what_is_taken(last: str | None, count: int) -> None:
    indexes = indexes_after(last, count)
    assert len(indexes) == count
    assert indexes == sorted(set(indexes))
    assert all(last is None or index > last for index in indexes)


@given(TAKEN)
def test_another_cell_fits_between_any_two(last: str | None) -> None:
    indexes = indexes_after(last, 80)
    assert all(not index.endswith("0") for index in indexes)
    assert all(low + "1" < high for low, high in itertools.pairwise(indexes))


def test_appending_again_and_again_keeps_indexes_short() -> None:
    last = None
    for _ in range(200):
        last = indexes_after(last, 10)[-1]
    assert last is not None
    assert len(last) < 20
