"""Date texts as JavaScript writes and reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runt_protocol import format_date, parse_date
from runt_protocol._dates import MAX_DATE_MS, epoch_ms, format_epoch_ms

FIVE_PAST = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (FIVE_PAST, "2025-01-02T03:04:05.000Z"),
        (FIVE_PAST.replace(microsecond=678999), "2025-01-02T03:04:05.678Z"),
        (
            FIVE_PAST.astimezone(timezone(timedelta(hours=-5))),
            "2025-01-02T03:04:05.000Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), "1969-12-31T23:59:59.999Z"),
    ],
)
def test_writing(moment: datetime, text: str) -> None:
    assert format_date(moment) == text


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_dates_in_utc_are_written_as_all_are(moment: datetime) -> None:
    text = format_date(moment)
    assert text == format_epoch_ms(epoch_ms(moment))
    assert parse_date(text) == moment - timedelta(
        microseconds=moment.microsecond % 1000
    )


def test_a_date_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        format_date(FIVE_PAST.replace(tzinfo=None))


# As `new Date(ms).toISOString()` gives them in V8.
@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
        (MAX_DATE_MS, "+275760-09-13T00:00:00.000Z"),
        (-MAX_DATE_MS, "-271821-04-20T00:00:00.000Z"),
    ],
)
def test_writing_years_that_a_datetime_cannot_hold(
    milliseconds: int, text: str
) -> None:
    assert format_epoch_ms(milliseconds) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-02T03:04:05.678Z", FIVE_PAST.replace(microsecond=678_000)),
        ("2025-01-02T03:04:05.1Z", FIVE_PAST.replace(microsecond=100_000)),
        ("2025-01-02T03:04:05.678999999+00:00", FIVE_PAST.replace(microsecond=678_000)),
        ("2025-01-02T03:04:05Z", FIVE_PAST),
        ("2025-01-02T03:04:05", FIVE_PAST),
        ("2025-01-02T03:04Z", FIVE_PAST.replace(second=0)),
        ("2025-01-02T05:34:05+02:30", FIVE_PAST),
        ("2025-01-01T22:04:05-05:00", FIVE_PAST),
        ("2025-01-02", datetime(2025, 1, 2, tzinfo=UTC)),
        ("2025-03", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2025", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_reading(text: str, moment: datetime) -> None:
    assert parse_date(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a date",
        "2025-13-01",
        "2025-01-02T25:00Z",
        "2025-01-02T24:00:00.000Z",
        "2025-02-30T03:04:05.678Z",
        "2025-01-02T03:04:05+99:00",
        "2025-01-02T03:04:05.Z",
        "2025-01-02 03:04:05Z",
        "0000-01-01",
        "0001-01-01T00:00+01:00",
        "٢٠٢٥-01-02",
    ],
)
def test_refusing(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_date(text)
