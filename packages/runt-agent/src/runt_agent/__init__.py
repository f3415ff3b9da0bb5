"""The Runt runtime agent: joins a notebook's log and runs its cells in runt-worker.

`run_agent` is the agent; `open_notebook` joins a notebook as any client, a person's
for example. Both need trio.
"""

from runt_agent._agent import AfterCell
from runt_agent._config import HOSTED_SYNC_URL, AgentConfig
from runt_agent._connection import open_notebook
from runt_agent._dialects import LiveStoreVersion
from runt_agent._errors import (
    AgentError,
    ArtifactUploadError,
    ConfigError,
    ConnectionRefusedByServerError,
    DisplacedError,
    LogReplacedError,
    NotebookClosedError,
    RefusedError,
    TokenRefusedError,
    UnreachableError,
)
from runt_agent._execution import CellWorker
from runt_agent._identity import Identity, fetch_identity
from runt_agent._limits import Limits
from runt_agent._notebook import Notebook, OnLogged, Predicate
from runt_agent._run_agent import run_agent
from runt_agent._service import Service, http_origin
from runt_agent._session import RUNTIME_TYPE
from runt_agent._signals import cancel_on_signals

__all__ = [
    "HOSTED_SYNC_URL",
    "RUNTIME_TYPE",
    "AfterCell",
    "AgentConfig",
    "AgentError",
    "ArtifactUploadError",
    "CellWorker",
    "ConfigError",
    "ConnectionRefusedByServerError",
    "DisplacedError",
    "Identity",
    "Limits",
    "LiveStoreVersion",
    "LogReplacedError",
    "Notebook",
    "NotebookClosedError",
    "OnLogged",
    "Predicate",
    "RefusedError",
    "Service",
    "TokenRefusedError",
    "UnreachableError",
    "cancel_on_signals",
    "fetch_identity",
    "http_origin",
    "open_notebook",
    "run_agent",
]
