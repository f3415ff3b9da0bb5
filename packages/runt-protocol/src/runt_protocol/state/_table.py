"""One table: rows by key, indexes beside them, and a journal of every change.

`Table._exchange` is the only place where a row comes, changes or goes, and only undo
reaches it without a note in the journal, which so misses nothing: undo is exact.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, Generic, TypeAlias, TypeVar, get_args

from msgspec import Struct, structs

from runt_protocol._errors import ReusedIdError

RowT = TypeVar("RowT", bound=Struct)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


Change: TypeAlias = "tuple[Table[Any], str, Struct | None]"
"""A table, a key in it, and what stood there before a write: None if nothing did."""


class Table(Mapping[str, RowT], Generic[RowT]):
    """Rows of one kind by primary key; for readers a plain mapping.

    Args:
        row_type: The class of the rows.
        name: The table's name in SQLite.
        key: The field that holds the primary key.
        journal: Where the changes are noted, shared by all tables of a state.
        indexes: Fields by whose values rows are looked up; None is not indexed.
    """

    def __init__(
        self,
        row_type: type[RowT],
        name: str,
        key: str,
        journal: list[Change],
        indexes: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._key = key
        self._journal = journal
        self._rows: dict[str, RowT] = {}
        self._indexes: dict[str, defaultdict[object, dict[str, None]]] = {
            field: defaultdict(dict) for field in indexes
        }
        self._text_fields = _text_fields(row_type)
        self._texts_of = attrgetter(*self._text_fields)

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
        row = self._stored(row)
        key = getattr(row, self._key)
        self._write(key, self._rows.get(key), row)

    def put_if_absent(self, row: RowT) -> None:
        """Insert a row unless its key stands already."""
        row = self._stored(row)
        key = getattr(row, self._key)
        if key not in self._rows:
            self._write(key, None, row)

    def put_new(self, row: RowT) -> None:
        """Insert a row whose key must be new.

        Raises:
            ReusedIdError: The key stands already.
        """
        stored = self._stored(row)
        key = getattr(stored, self._key)
        if key in self._rows:
            raise ReusedIdError(self.name, getattr(row, self._key))
        self._write(key, None, stored)

    def update(self, key: str, **changes: object) -> None:
        """Change fields of a row, if it is there."""
        key = stored_text(key)
        before = self._rows.get(key)
        if before is not None:
            row = structs.replace(before, **changes)
            if not _are_stored_unchanged(changes.values()):
                row = self._stored(row)
            self._write(key, before, row)

    def delete(self, key: str) -> None:
        """Remove a row, if it is there."""
        key = stored_text(key)
        row = self._rows.get(key)
        if row is not None:
            self._write(key, row, None)

    def restore(self, key: str, row: RowT | None) -> None:
        """Set or remove what stands under a key without noting it."""
        self._exchange(key, self._rows.get(key), row)

    def _stored(self, row: RowT) -> RowT:
        """Give a row as it comes back from the clients' SQLite."""
        texts: tuple[str | None, ...] = self._texts_of(row)
        if _are_stored_unchanged(texts):
            return row  # nearly every one
        fields = zip(self._text_fields, texts, strict=True)
        return structs.replace(
            row, **{field: text and stored_text(text) for field, text in fields}
        )

    def _write(self, key: str, before: RowT | None, row: RowT | None) -> None:
        """Set or remove what stands under a key and note what stood there."""
        self._journal.append((self, key, before))
        self._exchange(key, before, row)

    def _exchange(self, key: str, before: RowT | None, row: RowT | None) -> None:
        if row is None:
            del self._rows[key]
        else:
            self._rows[key] = row
        for field in self._indexes:
            old = before and getattr(before, field)
            new = row and getattr(row, field)
            if old == new:
                continue
            keys_by_value = self._indexes[field]
            if old is not None:
                del keys_by_value[old][key]
                if not keys_by_value[old]:
                    del keys_by_value[old]
            if new is not None:
                keys_by_value[new][key] = None


def stored_text(text: str) -> str:
    r"""Give a text as it comes back from the clients' SQLite.

    Text is bound there as a C string in UTF-8: it ends at the first NUL, and a lone
    surrogate becomes U+FFFD.
    """
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE.sub("\ufffd", text.partition("\0")[0])


def _are_stored_unchanged(values: Iterable[object]) -> bool:
    """Tell whether `stored_text` would leave all texts among some values alone."""
    for value in values:
        if isinstance(value, str) and not (value.isascii() and "\0" not in value):
            return False
    return True


def _text_fields(row_type: type[Struct]) -> tuple[str, ...]:
    """Name the fields of any text; fixed words and JSON are stored as they are."""
    return tuple(
        field.name
        for field in structs.fields(row_type)
        if str in (field.type, *get_args(field.type))
    )
