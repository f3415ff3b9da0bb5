"""Where runt keeps what it has fetched and made."""

from pathlib import Path

from platformdirs import user_cache_path


def default_cache_dir() -> Path:
    """Return the user's cache directory of runt."""
    return user_cache_path("runt")
