"""Outputs as nbformat has them: streams merged, uploaded images back in their place.

Source: nbformat 4.5, `nbformat.v4.5.schema.json`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from runt_cli._cell_outputs import CellOutput, ErrorOutput, MediaOutput, StreamOutput

_UPLOAD_NOTES: Final = ("originalSizeBytes", "uploadedAt")
"""What an agent adds to the metadata of a representation that it uploads."""
_STAND_IN_TYPES: Final = ("text/plain", "text/markdown")
"""Where an agent puts a link to what it uploaded, for clients that show text only."""


def saved_outputs(
    outputs: Sequence[CellOutput], artifacts: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Turn the outputs of a cell into those of a notebook file.

    Args:
        outputs: The outputs in order.
        artifacts: The bytes of uploaded contents by artifact id. A content that is not
            here is left out; the agent's link to it stays.

    Returns:
        Outputs that nbformat accepts; neighbours of one stream are one output.
    """
    saved: list[dict[str, Any]] = []
    for output in outputs:
        match output:
            case StreamOutput():
                _add_stream(saved, output)
            case MediaOutput():
                saved.append(_media(output, artifacts))
            case ErrorOutput():
                saved.append(_error(output))
    return saved


def _add_stream(saved: list[dict[str, Any]], output: StreamOutput) -> None:
    last = saved[-1] if saved else {}
    if last.get("output_type") == "stream" and last["name"] == output.name:
        last["text"] += output.text
    else:
        saved.append(
            {"output_type": "stream", "name": output.name, "text": output.text}
        )


def _media(output: MediaOutput, artifacts: Mapping[str, bytes]) -> dict[str, Any]:
    fetched = {
        mime_type: artifact_id
        for mime_type, artifact_id in output.artifact_ids.items()
        if artifact_id in artifacts
    }
    data = {
        mime_type: _content(mime_type, value)
        for mime_type, value in output.inline_data.items()
        if not _is_stand_in(mime_type, value, fetched.values())
    } | {
        mime_type: _decoded(mime_type, artifacts[artifact_id])
        for mime_type, artifact_id in fetched.items()
    }
    common = {"data": data, "metadata": _metadata(output, data)}
    if output.execution_count is None:
        return {"output_type": "display_data", **common}
    return {
        "output_type": "execute_result",
        "execution_count": output.execution_count,
        **common,
    }


def _error(output: ErrorOutput) -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": output.ename,
        "evalue": output.evalue,
        "traceback": list(output.traceback),
    }


def _metadata(output: MediaOutput, data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mime_type, content in output.representations.items():
        if mime_type in data and content.metadata is not UNSET:
            found[mime_type] = {
                key: value
                for key, value in content.metadata.items()
                if key not in _UPLOAD_NOTES
            }
    return {mime_type: metadata for mime_type, metadata in found.items() if metadata}


def _content(mime_type: str, value: Any) -> Any:
    # Events may hold any JSON value; nbformat wants text where the type is no JSON.
    return value if _is_json(mime_type) or isinstance(value, str) else json.dumps(value)


def _decoded(mime_type: str, content: bytes) -> Any:
    if _is_json(mime_type):
        return json.loads(content)
    if mime_type.startswith("text/") or mime_type == "image/svg+xml":
        return content.decode("utf-8", "replace")
    return base64.b64encode(content).decode("ascii")


def _is_json(mime_type: str) -> bool:
    return mime_type == "application/json" or mime_type.endswith("+json")


def _is_stand_in(mime_type: str, value: Any, artifact_ids: Any) -> bool:
    return (
        mime_type in _STAND_IN_TYPES
        and isinstance(value, str)
        and any(
            f"/api/artifacts/{artifact_id}" in value for artifact_id in artifact_ids
        )
    )
