"""The embedded LiveStore sync server of runt: WebSocket, artifacts, SQLite event log."""

__all__: list[str] = []
