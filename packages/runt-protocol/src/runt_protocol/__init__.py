"""Events, wire codec, sans-IO sync client and server, and notebook state of Runt notebooks over LiveStore sync."""

__all__: list[str] = []
