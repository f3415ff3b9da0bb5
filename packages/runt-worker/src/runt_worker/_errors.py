"""The errors of runt-worker.

```
WorkerError
├── SetupError            the host lacks something: Deno, Pyodide, disk, network
├── WorkerBusyError       the caller asked while a cell was running
├── MountError            a host directory cannot be mounted
├── GrantError            what shall be reachable is no host
├── IntrospectionError    completion or inspection failed inside the kernel
├── WorkerClosedError     the caller used a worker after aclose()
└── WorkerDiedError       the sandbox process is gone
    ├── GuestProtocolError    it sent what no kernel of ours sends, and was killed
    ├── LimitExceededError    it used more than it may, and was killed
    └── UnheededInterruptError    what ran went on although it was told to stop
```
"""


class WorkerError(Exception):
    """Base of everything that runt-worker raises on purpose."""


class SetupError(WorkerError):
    """Something that the worker needs cannot be had on this machine."""


class WorkerBusyError(WorkerError):
    """The request has to wait until the running cell has ended."""


class MountError(WorkerError):
    """A host directory cannot be mounted."""


class GrantError(WorkerError):
    """What user code shall reach on the network is no host."""


class IntrospectionError(WorkerError):
    """Completion or inspection failed inside the kernel, which goes on."""


class WorkerClosedError(WorkerError):
    """The worker was closed."""


class WorkerDiedError(WorkerError):
    """The sandbox process has ended; `Worker.restart` starts a fresh one.

    Attributes:
        reason: what happened, in one sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GuestProtocolError(WorkerDiedError):
    """The sandbox sent a frame that no kernel of ours sends, and was killed for it."""


class LimitExceededError(WorkerDiedError):
    """The sandbox used more of the machine than it may, and was killed for it."""


class UnheededInterruptError(WorkerDiedError):
    """What ran went on through the grace period of an interrupt, and was killed."""
