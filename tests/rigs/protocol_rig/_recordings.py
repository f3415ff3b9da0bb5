"""The frames that the real peers were recorded with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "runt-protocol/vectors"


def recordings(folder: str) -> list[Path]:
    """List the recordings that hold frames."""
    paths = sorted((VECTORS / folder).glob("*.jsonl"))
    return [path for path in paths if any(frames(path))]


def frames(path: Path) -> Iterator[str]:
    """Give the frames of a recording, in either direction."""
    for line in path.read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        texts = [record.get("text"), record.get("rewrittenTo")]
        texts = texts if record.get("ev") == "frame" else []
        for step in record.get("steps", []):
            texts += [step["send"], *step["replies"]]
        texts += [*record.get("a", []), *record.get("b", [])]
        # Long ones are cut in the recordings of probes, and binary ones are no text.
        yield from (t for t in texts if isinstance(t, str) and not t.endswith("chars)"))
