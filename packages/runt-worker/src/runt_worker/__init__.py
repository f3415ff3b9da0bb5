"""A supervised, sandboxed Python: Pyodide and IPython in a Deno process without rights."""

__all__: list[str] = []
