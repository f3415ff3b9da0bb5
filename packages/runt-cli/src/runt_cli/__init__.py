"""The runt command: a sandboxed Python runtime for Runt notebooks."""

from runt_cli._entry import main

__all__ = ["main"]
