from ._checks import Check, check_installation
from ._early import launch_early
from ._errors import (
    GrantError,
    GuestProtocolError,
    IntrospectionError,
    LimitExceededError,
    MountError,
    SetupError,
    UnheededInterruptError,
    WorkerBusyError,
    WorkerClosedError,
    WorkerDiedError,
    WorkerError,
)
from ._files import HostMount
from ._launch import LaunchedProcess
from ._limits import Limits
from ._network import NetworkGrant, NetworkGrants
from ._nursery import open_flat_nursery
from ._options import Assets, WorkerOptions
from ._outputs import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Output,
    Stream,
    UpdateDisplayData,
)
from ._package_manager import CachedPackage, PackageManager, Pruned, read_requirements
from ._packages import PackageError
from ._pending_request import OnOutput
from ._preparation import OnSetup, prepare
from ._private_directory import private_directory
from ._replies import (
    CompleteReply,
    ExecuteReply,
    InspectReply,
    IsCompleteReply,
)
from ._stdin import InputRequest, OnInput
from ._trial import try_sandbox
from ._worker import Worker, open_worker

__all__ = [
    "Assets",
    "CachedPackage",
    "Check",
    "ClearOutput",
    "CompleteReply",
    "DisplayData",
    "Error",
    "ExecuteReply",
    "ExecuteResult",
    "GrantError",
    "GuestProtocolError",
    "HostMount",
    "InputRequest",
    "InspectReply",
    "IntrospectionError",
    "IsCompleteReply",
    "LaunchedProcess",
    "LimitExceededError",
    "Limits",
    "MountError",
    "NetworkGrant",
    "NetworkGrants",
    "OnInput",
    "OnOutput",
    "OnSetup",
    "Output",
    "PackageError",
    "PackageManager",
    "Pruned",
    "SetupError",
    "Stream",
    "UnheededInterruptError",
    "UpdateDisplayData",
    "Worker",
    "WorkerBusyError",
    "WorkerClosedError",
    "WorkerDiedError",
    "WorkerError",
    "WorkerOptions",
    "check_installation",
    "launch_early",
    "open_flat_nursery",
    "open_worker",
    "prepare",
    "private_directory",
    "read_requirements",
    "try_sandbox",
]
