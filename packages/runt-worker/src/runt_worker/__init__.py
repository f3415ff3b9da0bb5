"""A supervised, sandboxed Python: Pyodide and IPython in a Deno process without rights.

Needs trio. `open_worker` starts one, `Worker.execute` runs a cell in it.
"""

from runt_worker._errors import (
    GuestProtocolError,
    IntrospectionError,
    MountError,
    SetupError,
    WorkerBusyError,
    WorkerClosedError,
    WorkerDiedError,
    WorkerError,
)
from runt_worker._files import HostMount
from runt_worker._kernel import OnOutput
from runt_worker._limits import Limits
from runt_worker._nursery import open_flat_nursery
from runt_worker._options import Assets, OnSetup, WorkerOptions, prepare
from runt_worker._outputs import (
    ClearOutput,
    DisplayData,
    Error,
    ExecuteResult,
    Output,
    Stream,
    UpdateDisplayData,
)
from runt_worker._packages import PackageError
from runt_worker._replies import (
    CompleteReply,
    ExecuteReply,
    InspectReply,
    IsCompleteReply,
)
from runt_worker._worker import Worker, open_worker

__all__ = [
    "Assets",
    "ClearOutput",
    "CompleteReply",
    "DisplayData",
    "Error",
    "ExecuteReply",
    "ExecuteResult",
    "GuestProtocolError",
    "HostMount",
    "InspectReply",
    "IntrospectionError",
    "IsCompleteReply",
    "Limits",
    "MountError",
    "OnOutput",
    "OnSetup",
    "Output",
    "PackageError",
    "SetupError",
    "Stream",
    "UpdateDisplayData",
    "Worker",
    "WorkerBusyError",
    "WorkerClosedError",
    "WorkerDiedError",
    "WorkerError",
    "WorkerOptions",
    "open_flat_nursery",
    "open_worker",
    "prepare",
]
