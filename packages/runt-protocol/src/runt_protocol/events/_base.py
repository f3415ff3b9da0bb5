"""What all events share: their base class and the words of their fields."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from runt_protocol._javascript import MAX_SAFE_INTEGER

CellType: TypeAlias = Literal["code", "markdown", "sql", "ai", "raw"]
ActorType: TypeAlias = Literal["human", "runtime_agent"]
StreamName: TypeAlias = Literal["stdout", "stderr"]
SessionStatus: TypeAlias = Literal["ready", "busy", "restarting"]
TerminationReason: TypeAlias = Literal[
    "shutdown", "restart", "error", "timeout", "displaced"
]
ExecutionOutcome: TypeAlias = Literal["success", "error", "cancelled"]
ApprovalStatus: TypeAlias = Literal["approved_once", "approved_always", "denied"]

# A fraction in one of the integer columns ends a JavaScript client's syncing, and so
# does a number that SQLite cannot store as an integer. Theirs are doubles: beyond 2**53
# the peers would no longer agree on the last digits.
WholeNumber: TypeAlias = Annotated[int, Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
# Both, so that whole numbers stay whole: JavaScript knows no difference.
Number: TypeAlias = WholeNumber | float


class EventBase(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The base of every event; values of JSON hold no cycles, so none needs the GC.

    Attributes:
        event_name: The name that travels, with its version.
    """

    event_name: ClassVar[str]


class UnknownEvent(Struct, frozen=True, kw_only=True):
    """An event that this version does not know; it is kept and changes no state.

    Attributes:
        name: The event's name with its version.
        args_text: The JSON text of its arguments; None where the key is absent.
    """

    name: str
    args_text: str | None
