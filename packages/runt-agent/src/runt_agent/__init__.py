"""The Runt runtime agent: joins a notebook's event log and runs its cells in runt-worker."""

__all__: list[str] = []
