"""Media representations: what an output shows, in one MIME type each."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from runt_protocol._javascript import string, string_or_empty


class Inline(Struct, frozen=True, kw_only=True, tag_field="type", tag="inline"):
    """Content that travels inside the event.

    Attributes:
        data: Text, base64 text for binary types, or the JSON value itself for JSON
            types. Peers tolerate its absence, so it may be unset.
        metadata: What the output's maker says about this representation.
    """

    data: Any | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Artifact(
    Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="artifact"
):
    """Content that was uploaded beforehand.

    Attributes:
        artifact_id: The id that the artifact service gave to the upload.
        metadata: What the output's maker says about this representation.
    """

    artifact_id: str
    metadata: dict[str, Any] | UnsetType = UNSET


Representation: TypeAlias = Inline | Artifact
Representations: TypeAlias = dict[str, Representation]

DISPLAY_PREFERENCE: Final = (
    "application/vnd.plotly.v1+json",
    "application/vnd.vegalite.v6+json",
    "application/vnd.vegalite.v5+json",
    "application/vnd.vegalite.v4+json",
    "application/vnd.vegalite.v3+json",
    "application/vnd.vegalite.v2+json",
    "application/vnd.vega.v5+json",
    "application/vnd.vega.v4+json",
    "application/vnd.vega.v3+json",
    "application/vnd.jupyter.widget-view+json",
    "application/vnd.jupyter.widget-state+json",
    "application/vnd.dataresource+json",
    "application/vdom.v1+json",
    "application/geo+json",
    "application/json",
    "application/javascript",
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "image/gif",
    "text/latex",
    "text/markdown",
    "text/plain",
)
"""MIME types from which a display output takes its primary one, the best first."""

RESULT_PREFERENCE: Final = (
    "text/html",
    "image/png",
    "image/jpeg",
    "image/svg+xml",
    "application/json",
    "text/plain",
)
"""MIME types from which a result output takes its primary one, the best first."""


def inline_text(content: Representation) -> str | None:
    """Give the text that clients show for a piece of content.

    Args:
        content: The content of a terminal or Markdown output.

    Returns:
        Inline data as JavaScript's `String()` gives it, None for an artifact.

    Raises:
        TypeError: The data is an object that JavaScript cannot turn into text.
        RecursionError: The data nests too deeply.
    """
    return string(content.data) if isinstance(content, Inline) else None


def primary_text(
    representations: Mapping[str, Representation], preference: tuple[str, ...]
) -> tuple[str, str] | None:
    """Choose the representation that stands for the whole output.

    Args:
        representations: The output's representations by MIME type.
        preference: MIME types, the best first.

    Returns:
        The first preferred type that is there, and its text ("" for an artifact and
        for what JavaScript counts as false); None if no preferred type is there.

    Raises:
        TypeError: The data is an object that JavaScript cannot turn into text.
        RecursionError: The data nests too deeply.
    """
    for mime_type in preference:
        if mime_type in representations:
            chosen = representations[mime_type]
            is_inline = isinstance(chosen, Inline)
            return mime_type, string_or_empty(chosen.data) if is_inline else ""
    return None
