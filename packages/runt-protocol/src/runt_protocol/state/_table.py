"""One table: rows by key, indexes beside them, and a journal of every change.

`Table.write` is the only place where a row comes, changes or goes, so the journal
misses nothing and undo is exact.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct, structs

from runt_protocol._errors import ReusedIdError

RowT = TypeVar("RowT", bound=Struct)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Change(Struct, frozen=True):
    """What stood under a key before a write; None where nothing stood."""

    table: "Table[Any]"
    key: str
    before: Struct | None


class Table(Mapping[str, RowT], Generic[RowT]):
    """Rows of one kind by primary key; for readers a plain mapping.

    Args:
        name: The table's name in SQLite.
        key: The field that holds the primary key.
        journal: Where the changes are noted, shared by all tables of a state.
        indexes: Fields by whose values rows are looked up; None is not indexed.
    """

    def __init__(
        self, name: str, key: str, journal: list[Change], indexes: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self._key = key
        self._journal = journal
        self._rows: dict[str, RowT] = {}
        self._indexes: dict[str, dict[object, dict[str, None]]] = {
            field: {} for field in indexes
        }

    def __getitem__(self, key: str) -> RowT:
        return self._rows[stored_text(key)]

    def __contains__(self, key: object) -> bool:
        # The one of Mapping takes an exception to say no.
        return isinstance(key, str) and stored_text(key) in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def where(self, field: str, value: object) -> list[RowT]:
        """List the rows whose indexed field has a value, in no certain order."""
        value = stored_text(value) if isinstance(value, str) else value
        return [self._rows[key] for key in self._indexes[field].get(value, ())]

    def put(self, row: RowT) -> None:
        """Insert a row, or replace the one that has its key."""
        row = _stored(row)
        self.write(getattr(row, self._key), row)

    def put_if_absent(self, row: RowT) -> None:
        """Insert a row unless its key stands already."""
        if getattr(row, self._key) not in self:
            self.put(row)

    def put_new(self, row: RowT) -> None:
        """Insert a row whose key must be new.

        Raises:
            ReusedIdError: The key stands already.
        """
        if (key := getattr(row, self._key)) in self:
            raise ReusedIdError(self.name, key)
        self.put(row)

    def update(self, key: str, **changes: object) -> None:
        """Change fields of a row, if it is there."""
        row = self._rows.get(stored_text(key))
        if row is not None:
            changed = structs.replace(row, **_stored_values(changes))
            self.write(getattr(row, self._key), changed)

    def delete(self, key: str) -> None:
        """Remove a row, if it is there."""
        if key in self:
            self.write(stored_text(key), None)

    def write(self, key: str, row: RowT | None) -> None:
        """Set or remove what stands under a key and note what stood there."""
        before = self._rows.get(key)
        self._journal.append(Change(self, key, before))
        self._exchange(key, before, row)

    def restore(self, key: str, row: RowT | None) -> None:
        """Set or remove what stands under a key without noting it."""
        self._exchange(key, self._rows.get(key), row)

    def _exchange(self, key: str, before: RowT | None, row: RowT | None) -> None:
        if row is None:
            del self._rows[key]
        else:
            self._rows[key] = row
        for field, keys_by_value in self._indexes.items():
            old, new = getattr(before, field, None), getattr(row, field, None)
            if old == new:
                continue
            if old is not None:
                del keys_by_value[old][key]
                if not keys_by_value[old]:
                    del keys_by_value[old]
            if new is not None:
                keys_by_value.setdefault(new, {})[key] = None


def stored_text(text: str) -> str:
    r"""Give a text as it comes back from the clients' SQLite.

    Text is bound there as a C string in UTF-8: it ends at the first NUL, and a lone
    surrogate becomes U+FFFD.
    """
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE.sub("\ufffd", text.partition("\0")[0])


def _stored(row: RowT) -> RowT:
    values = structs.astuple(row)
    for value in values:
        if isinstance(value, str) and not (value.isascii() and "\0" not in value):
            fields = dict(zip(row.__struct_fields__, values, strict=True))
            return structs.replace(row, **_stored_values(fields))
    return row  # nearly every one


def _stored_values(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        field: stored_text(value) if isinstance(value, str) else value
        for field, value in fields.items()
    }
