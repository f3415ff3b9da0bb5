"""Dates as events carry them and as JavaScript prints and reads them.

Source: ECMA-262, "Date Time String Format".
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import msgspec

MAX_DATE_MS: Final = 8_640_000_000_000_000
"""The last moment that a JavaScript Date can hold, in milliseconds after 1970."""

_LENGTH_TO_SECONDS: Final = len("2025-01-02T03:04:05")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASE_YEAR: Final = 2000
_BASE: Final = datetime(_BASE_YEAR, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# The Gregorian calendar repeats after 400 years.
_CYCLE_YEARS: Final = 400
_CYCLE_MS: Final = 146_097 * 86_400_000
_MAX_PLAIN_YEAR: Final = 9999
# What `Date.toISOString` writes, and so nearly every date. An hour of 24 is left to the
# careful way, since later versions of Python take it for the next day.
_USUAL_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII
)
_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|(?P<sign>[-+])(?P<zone_hour>\d\d):(?P<zone_minute>\d\d))?)?",
    re.ASCII,
)


def format_date(moment: datetime) -> str:
    """Write a moment the one way that every peer reads.

    Args:
        moment: An aware datetime; parts of a millisecond are dropped.

    Returns:
        UTC text such as `2025-01-02T03:04:05.678Z`.

    Raises:
        ValueError: The datetime has no time zone.
    """
    if moment.tzinfo is UTC:  # as in every event that was decoded
        # msgspec takes a tenth of isoformat's time; only its fraction has other digits.
        to_seconds = msgspec.to_builtins(moment)[:_LENGTH_TO_SECONDS]
        return f"{to_seconds}.{moment.microsecond // 1000:03}Z"
    return format_epoch_ms(epoch_ms(moment))


def format_epoch_ms(milliseconds: int) -> str:
    """Write a number of milliseconds after 1970 as `Date.toISOString` does.

    Args:
        milliseconds: Within `MAX_DATE_MS` of 1970; JavaScript has no dates beyond.

    Returns:
        UTC text; years before 0 or after 9999 get a sign and six digits.
    """
    since_base = milliseconds - epoch_ms(_BASE)
    cycles, rest = divmod(since_base, _CYCLE_MS)
    moment = _BASE + rest * _MILLISECOND
    year = moment.year + cycles * _CYCLE_YEARS
    is_plain = 0 <= year <= _MAX_PLAIN_YEAR
    year_text = f"{year:04}" if is_plain else f"{year:+07}"
    thousandths = moment.microsecond // 1000
    return f"{year_text}-{moment:%m-%dT%H:%M:%S}.{thousandths:03}Z"


def epoch_ms(moment: datetime) -> int:
    """Count the whole milliseconds from 1970 to a moment.

    Raises:
        ValueError: The datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a date needs a time zone; use datetime.now(UTC)")
    return (moment - _EPOCH) // _MILLISECOND


def parse_date(text: str) -> datetime:
    """Read a date text as JavaScript's `new Date()` reads the ISO forms.

    The real clients also read other spellings, differently from engine to engine;
    those are refused here, as are years that a datetime cannot hold.

    Args:
        text: A date, or date and time; UTC where it names no zone.

    Returns:
        The moment in UTC, digits below the millisecond dropped.

    Raises:
        ValueError: The text is no ISO date.
    """
    if _USUAL_DATE.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is no date: {error}") from None
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no ISO date")
    part = match.groupdict(default="0")
    try:
        return datetime(
            int(part["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(part["hour"]),
            int(part["minute"]),
            int(part["second"]),
            int(part["fraction"].ljust(3, "0")[:3]) * 1000,
            tzinfo=_zone(match),
        ).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no date: {error}") from None


def _zone(match: re.Match[str]) -> timezone:
    if match["sign"] is None:
        return UTC
    offset = timedelta(hours=int(match["zone_hour"]), minutes=int(match["zone_minute"]))
    return timezone(-offset if match["sign"] == "-" else offset)
