"""Host directories for a sandbox: mount names, containment, read-only that holds, output mirror."""

__all__: list[str] = []
