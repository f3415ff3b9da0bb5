"""Jupyter MIME bundles as media representations, none of them too large for an event.

Source: protocol.md §3.
"""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from runt_protocol import Inline, Representation, Representations

PLAIN_TEXT: Final = "text/plain"

# A MIME type comes from the cell and goes into a header of the upload.
_IMAGE: Final = re.compile(r"image/[a-zA-Z0-9.+-]{1,100}")
# Images that are text themselves; all other images travel as base64.
_TEXT_IMAGES: Final = {"image/svg+xml"}
# Room for the notice and for the event's other fields.
_RESERVE_BYTES: Final = 4_096
_LONGEST_LIST: Final = 500


def representations_of(
    data: Mapping[str, Any], metadata: Mapping[str, Any]
) -> Representations:
    """Turn a MIME bundle into representations.

    Args:
        data: MIME type → content as Jupyter has it: text (or a list of lines), base64
            text for binary types, the value itself for JSON types.
        metadata: MIME type → metadata of that representation. Other keys concern no
            representation and have no place in the events.

    Returns:
        One inline representation for each content that is there.
    """
    return {
        mime_type: _inline(mime_type, content, metadata.get(mime_type))
        for mime_type, content in data.items()
        if content is not None
    }


def image_content(mime_type: str, representation: Representation) -> bytes | None:
    """Give the bytes of an inline image; None for everything else."""
    if not _IMAGE.fullmatch(mime_type) or not isinstance(representation, Inline):
        return None
    content = representation.data
    if not isinstance(content, str):
        return None
    if mime_type in _TEXT_IMAGES:
        return content.encode("utf-8", "replace")
    try:
        return b64decode(content, validate=True)
    except binascii.Error:
        return None


def fit(representations: Representations, max_bytes: int) -> Representations:
    """Leave out what is too large for one event, the largest first, and say so.

    Args:
        representations: What an output consists of.
        max_bytes: Largest size of an event with these representations.

    Returns:
        The same, or what fits of it, with a notice as its plain text.
    """
    sizes = {m: _json_bytes({m: r}) for m, r in representations.items()}
    budget = max_bytes - _RESERVE_BYTES
    left_out: list[str] = []
    for mime_type in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if sum(sizes.values()) <= budget:
            break
        left_out.append(f"{mime_type}, {sizes.pop(mime_type):,} bytes")
    if not left_out:
        return representations
    # A cell names its MIME types itself, as many and as long as it likes.
    names = "; ".join(left_out)[:_LONGEST_LIST]
    notice = (
        f"[left out, too large for a notebook's log (at most {max_bytes:,} bytes an "
        f"output): {names}]"
    )
    kept = {m: representations[m] for m in representations if m in sizes}
    return with_notice(kept, notice)


def with_notice(representations: Representations, notice: str) -> Representations:
    """Put a notice below the plain text of an output."""
    plain = representations.get(PLAIN_TEXT)
    if isinstance(plain, Inline) and isinstance(plain.data, str):
        notice = f"{plain.data}\n{notice}"
    return {**representations, PLAIN_TEXT: Inline(data=notice)}


def _inline(mime_type: str, content: Any, metadata: Any) -> Inline:
    if not _is_json(mime_type):
        if _is_lines(content):
            content = "".join(cast("list[str]", content))
        if isinstance(content, str) and _is_base64(mime_type):
            # IPython ends base64 with a line break, which a data: URL must not have.
            content = "".join(content.split())
    if isinstance(metadata, dict) and metadata:
        return Inline(data=content, metadata=cast("dict[str, Any]", metadata))
    return Inline(data=content)


def _json_bytes(representations: Representations) -> int:
    try:
        value = msgspec.to_builtins(representations)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return 0  # no event takes it, whatever its size; committing it will say so
    # Lone surrogates travel as escapes.
    return len(text.encode("utf-8", "backslashreplace"))


def _is_json(mime_type: str) -> bool:
    return mime_type == "application/json" or mime_type.endswith("+json")


def _is_base64(mime_type: str) -> bool:
    kind = mime_type.partition("/")[0]
    return (
        kind in {"image", "audio", "video"} or mime_type == "application/pdf"
    ) and mime_type not in _TEXT_IMAGES


def _is_lines(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(line, str) for line in cast("list[Any]", content)
    )
