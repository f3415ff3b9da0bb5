"""The runt command: a sandboxed Python runtime for Runt notebooks."""

__all__: list[str] = []
