"""A supervised, sandboxed Python: Pyodide and IPython in a Deno process without rights.

Needs trio. `open_worker` starts one, `Worker.execute` runs a cell in it.

What there is stands in ``__init__.pyi``; it is imported when it is used, so that
`launch_early` can start a process before trio and all the rest are there.
"""

import lazy_loader  # pyright: ignore[reportMissingTypeStubs] - it has none

# What follows has its types from the stub.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(  # pyright: ignore[reportUnknownVariableType]
    __name__, __file__
)
