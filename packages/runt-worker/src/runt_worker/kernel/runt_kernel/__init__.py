"""The Python side of the guest: IPython, its output and its requests.

It runs inside Pyodide, imported by ``deno/guest.ts``; nothing in it is trusted by the
supervisor. Messages bear the names of the Jupyter messaging protocol.
"""

from runt_kernel._kernel import Kernel, start

__all__ = ["Kernel", "start"]
