"""All events by their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, get_args

from runt_protocol.events._cells import (
    AiSettingsChanged,
    CellAiContextVisibilityToggled,
    CellCreatedV1,
    CellCreatedV2,
    CellDeleted,
    CellMovedV1,
    CellMovedV2,
    CellOutputVisibilityToggled,
    CellSourceChanged,
    CellSourceVisibilityToggled,
    CellTypeChanged,
    SqlConnectionChanged,
    SqlResultVariableChanged,
)
from runt_protocol.events._executions import (
    AllExecutionsCancelled,
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
    MultipleExecutionRequested,
    RuntimeSessionRenewal,
    RuntimeSessionStarted,
    RuntimeSessionStatusChanged,
    RuntimeSessionTerminated,
    ToolApprovalRequested,
    ToolApprovalResponded,
)
from runt_protocol.events._notebook import (
    ActorProfileSet,
    Debug,
    FileDeletedV1,
    FileDeletedV2,
    FileUploaded,
    NotebookInitialized,
    NotebookMetadataSet,
    NotebookTitleChanged,
    PresenceSet,
)
from runt_protocol.events._outputs import (
    AllOutputsCleared,
    CellOutputsCleared,
    ErrorOutputAdded,
    MarkdownOutputAdded,
    MarkdownOutputAppendedV1,
    MarkdownOutputAppendedV2,
    MultimediaDisplayOutputAdded,
    MultimediaDisplayOutputUpdated,
    MultimediaResultOutputAdded,
    TerminalOutputAdded,
    TerminalOutputAppendedV1,
    TerminalOutputAppendedV2,
)

Event: TypeAlias = (
    Debug
    | NotebookInitialized
    | NotebookTitleChanged
    | NotebookMetadataSet
    | FileUploaded
    | FileDeletedV1
    | FileDeletedV2
    | PresenceSet
    | ActorProfileSet
    | CellCreatedV1
    | CellCreatedV2
    | CellSourceChanged
    | CellTypeChanged
    | CellDeleted
    | CellMovedV1
    | CellMovedV2
    | CellSourceVisibilityToggled
    | CellOutputVisibilityToggled
    | CellAiContextVisibilityToggled
    | AiSettingsChanged
    | SqlConnectionChanged
    | SqlResultVariableChanged
    | RuntimeSessionStarted
    | RuntimeSessionRenewal
    | RuntimeSessionStatusChanged
    | RuntimeSessionTerminated
    | ExecutionRequested
    | MultipleExecutionRequested
    | ExecutionAssigned
    | ExecutionStarted
    | ExecutionCompleted
    | ExecutionCancelled
    | AllExecutionsCancelled
    | ToolApprovalRequested
    | ToolApprovalResponded
    | MultimediaDisplayOutputAdded
    | MultimediaDisplayOutputUpdated
    | MultimediaResultOutputAdded
    | TerminalOutputAdded
    | TerminalOutputAppendedV1
    | TerminalOutputAppendedV2
    | MarkdownOutputAdded
    | MarkdownOutputAppendedV1
    | MarkdownOutputAppendedV2
    | ErrorOutputAdded
    | CellOutputsCleared
    | AllOutputsCleared
)

_TYPES: Final[tuple[type[Event], ...]] = get_args(Event)
EVENT_TYPES: Final[Mapping[str, type[Event]]] = MappingProxyType(
    {event_type.event_name: event_type for event_type in _TYPES}
)
"""The event classes by the names that travel."""
