"""The Python side of the guest: IPython, its output and its requests.

It runs inside Pyodide, imported by ``deno/guest.ts``; nothing in it is trusted by the
supervisor. Messages bear the names of the Jupyter messaging protocol.

It begins in two steps. `prepare` imports and warms what every session needs; a memory
image is made after it, so nothing of it may belong to one process: no object of
JavaScript, no random state. A process that goes on from the image calls `resume`.
`start` connects the kernel to its process.
"""

from runt_kernel._kernel import Kernel
from runt_kernel._start import prepare, resume, start

__all__ = ["Kernel", "prepare", "resume", "start"]
