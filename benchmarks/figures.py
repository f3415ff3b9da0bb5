"""How figures are printed."""

from collections.abc import Sequence
from statistics import median


def report(
    name: str, ours_s: Sequence[float], peer_s: Sequence[float], note: str = ""
) -> None:
    """Print one figure: medians in milliseconds and their ratio."""
    ours, peer = median(ours_s) * 1000, median(peer_s) * 1000
    ratio = ours / peer
    print(f"{name:<42}{ours:>10.1f} ms{peer:>10.1f} ms{ratio:>8.2f} x  {note}")
