"""Events to and from the JSON text of their arguments.

Decoding takes what the real LiveStore clients take and refuses what would end their
syncing, so an event that decodes here is safe to pass on. Unknown events and fields
come from newer clients: the events are kept whole, the fields stay in the envelope.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from runt_protocol._dates import format_date, parse_date
from runt_protocol._envelope import EncodedEvent
from runt_protocol._errors import InvalidEventError
from runt_protocol._javascript import MAX_SAFE_INTEGER
from runt_protocol._json import dumps, loads
from runt_protocol.events._base import UnknownEvent
from runt_protocol.events._catalogue import EVENT_TYPES, Event
from runt_protocol.events._executions import AllExecutionsCancelled
from runt_protocol.events._rules import RULED_EVENTS, check_rules

# Far below Python's recursion limit, since state and printing walk through the values
# again: a deep one from a peer must not break us. Known formats need about 20 levels.
_MAX_DEPTH: Final = 128
_DATE_FIELDS: Final[dict[type[Event], tuple[tuple[str, str], ...]]] = {
    event_type: tuple(
        (field, key)
        for field, key in zip(
            event_type.__struct_fields__,
            event_type.__struct_encode_fields__,
            strict=True,
        )
        if event_type.__annotations__[field] is datetime
    )
    for event_type in EVENT_TYPES.values()
}


def _direct_reader(event_type: type[Event]) -> Callable[[str], Event]:
    """Make what reads plain arguments in one step."""
    if not _DATE_FIELDS[event_type]:
        return msgspec.json.Decoder(event_type).decode
    decoder = msgspec.json.Decoder(_with_dates_as_texts(event_type))
    date_fields = [field for field, _ in _DATE_FIELDS[event_type]]

    def read(args_text: str) -> Event:
        values = msgspec.structs.asdict(decoder.decode(args_text))
        for field in date_fields:
            values[field] = parse_date(values[field])
        return event_type(**values)

    return read


def _with_dates_as_texts(event_type: type[Event]) -> type[msgspec.Struct]:
    """Make a twin of a class, since msgspec reads dates otherwise than JavaScript."""
    return msgspec.defstruct(
        event_type.__name__,
        [
            (field.name, str if field.type is datetime else field.type, field.default)
            for field in msgspec.structs.fields(event_type)
        ],
        rename="camel",
        kw_only=True,
    )


# Peers send the one event without arguments with none, null or {}.
_DIRECT_READERS: Final[Mapping[str, Callable[[str], Event]]] = {
    name: _direct_reader(event_type)
    for name, event_type in EVENT_TYPES.items()
    if event_type is not AllExecutionsCancelled
}


def decode_event(name: str, args_text: str | None) -> Event | UnknownEvent:
    """Read an event.

    Args:
        name: The event's name with its version.
        args_text: The JSON text of its arguments; None where the key is absent.

    Returns:
        The event, or an `UnknownEvent` if this version does not know the name.

    Raises:
        InvalidEventError: The arguments are not what the real clients take.
    """
    event = _decode_directly(name, args_text)
    return _decode_carefully(name, args_text) if event is None else event


def encode_event(event: Event) -> EncodedEvent:
    """Write an event, but only one that no LiveStore client stumbles over.

    Args:
        event: The event; values of type Any in it have to be JSON builtins.

    Returns:
        The event's name and arguments, keys in the order of the schema, unset fields
        left out.

    Raises:
        InvalidEventError: A field has a wrong type or value, such as a fraction, a
            None, or a date without time zone.
    """
    name = event.event_name
    if isinstance(event, AllExecutionsCancelled):
        return EncodedEvent(name=name, args_text=None)
    try:
        args = msgspec.to_builtins(event, builtin_types=(datetime,))
        for field, key in _DATE_FIELDS[type(event)]:
            args[key] = format_date(getattr(event, field))
        args_text = dumps(args)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidEventError(name, _reason(error)) from error
    # Nothing checks a Struct when it is made; reading it back applies every rule.
    decode_event(name, args_text)
    return EncodedEvent(name=name, args_text=args_text)


def _decode_directly(name: str, args_text: str | None) -> Event | None:
    """Read plain arguments in one step; None leaves them to the careful way.

    That one knows better what JavaScript makes of odd ones, and says what is wrong.
    """
    read = _DIRECT_READERS.get(name)
    if read is None or args_text is None or _may_be_deep(args_text):
        return None
    try:
        event = read(args_text)
        if name in RULED_EVENTS:
            check_rules(event)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return event


def _decode_carefully(name: str, args_text: str | None) -> Event | UnknownEvent:
    event_type = EVENT_TYPES.get(name)
    if event_type is None:
        return UnknownEvent(name=name, args_text=args_text)
    if event_type is AllExecutionsCancelled:
        return AllExecutionsCancelled()
    if args_text is None:
        raise InvalidEventError(name, "it has no arguments")
    try:
        event = _convert(event_type, _loads_shallow(args_text))
        check_rules(event)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidEventError(name, _reason(error)) from error
    return event


def _loads_shallow(text: str) -> Any:
    value = loads(text)
    if _may_be_deep(text):
        _check_depth(value)
    return value


def _may_be_deep(text: str) -> bool:
    if len(text) <= 2 * _MAX_DEPTH:
        return False  # a level takes two brackets
    return text.count("[") + text.count("{") > _MAX_DEPTH


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise ValueError(f"JSON nests more than {_MAX_DEPTH} levels deep")


def _children(value: Any) -> Iterable[Any]:
    match value:
        case list():
            return cast("list[Any]", value)
        case dict():
            return cast("dict[str, Any]", value).values()
        case _:
            return ()


def _convert(event_type: type[Event], args: Any) -> Event:
    if isinstance(args, dict):
        args = _known_fields(event_type, cast("dict[str, Any]", args))
    try:
        return msgspec.convert(args, event_type)
    except msgspec.ValidationError as error:
        try:
            return msgspec.convert(_with_doubles(args), event_type)
        except msgspec.ValidationError:
            raise error from None


def _known_fields(event_type: type[Event], args: dict[str, Any]) -> dict[str, Any]:
    known = {
        key: args[key] for key in event_type.__struct_encode_fields__ if key in args
    }
    for _, key in _DATE_FIELDS[event_type]:
        if isinstance(known.get(key), str):
            known[key] = parse_date(known[key])
    return known


def _with_doubles(value: Any) -> Any:
    """Read numbers as JavaScript does: `12.0` is 12, large integers are rounded."""
    match value:
        case float() if value.is_integer() and abs(value) <= MAX_SAFE_INTEGER:
            return int(value)
        case int() if abs(value) > MAX_SAFE_INTEGER:
            return float(value)
        case list():
            return [_with_doubles(item) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value)
            return {key: _with_doubles(item) for key, item in members.items()}
        case _:
            return value


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a key or a fixed word holds a lone surrogate"
    return str(error) or type(error).__name__
