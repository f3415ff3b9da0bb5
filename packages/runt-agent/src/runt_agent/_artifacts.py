"""Images as artifacts: uploaded once, named in the event. Source: protocol.md §6."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from runt_agent._errors import ArtifactUploadError, UnreachableError
from runt_agent._http import request
from runt_agent._limits import Limits
from runt_agent._media import PLAIN_TEXT, image_content
from runt_agent._service import Service, readable_reason
from runt_protocol import Artifact, Inline, Representations, format_date

_MARKDOWN: Final = "text/markdown"

_logger = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Stored(msgspec.Struct, frozen=True, rename="camel"):
    artifact_id: str


@dataclass(frozen=True, kw_only=True)
class ArtifactStore:
    """The artifacts of one notebook at its service.

    Attributes:
        service: The service and the token.
        notebook_id: The notebook that the artifacts belong to.
        limits: Sizes and time-outs.
        now: The clock.
    """

    service: Service
    notebook_id: str
    limits: Limits
    now: Callable[[], datetime] = _utc_now

    def url(self, artifact_id: str) -> str:
        """Tell where an artifact can be fetched."""
        return f"{self.service.http_base}/api/artifacts/{artifact_id}"

    async def upload(self, content: bytes, mime_type: str) -> str:
        """Store an artifact.

        Args:
            content: The bytes.
            mime_type: What they are.

        Returns:
            The id that the service gave it.

        Raises:
            ArtifactUploadError: The service was not reached, refused, or gave no id.
        """
        try:
            response = await request(
                "POST",
                "/api/artifacts",
                service=self.service,
                timeout_s=self.limits.upload_timeout_s,
                headers={"x-notebook-id": self.notebook_id, "content-type": mime_type},
                content=content,
            )
        except UnreachableError as error:
            raise ArtifactUploadError(f"the upload failed: {error}") from None
        if not response.is_success:
            reason = readable_reason(response.text, secret=self.service.auth_token)
            raise ArtifactUploadError(
                f"the upload was refused: HTTP {response.status_code} {reason}".rstrip()
            )
        try:
            return msgspec.json.decode(response.content, type=_Stored).artifact_id
        except ValueError as error:
            raise ArtifactUploadError(f"the upload gave no id: {error}") from None

    async def move_images(self, representations: Representations) -> Representations:
        """Upload the large images of an output.

        Args:
            representations: What the output consists of.

        Returns:
            The same, with large images as artifacts and with texts that point to them.
            An image whose upload failed stays as it was.
        """
        moved = dict(representations)
        for mime_type, representation in representations.items():
            content = image_content(mime_type, representation)
            if content is None or len(content) <= self.limits.artifact_above_bytes:
                continue
            try:
                artifact_id = await self.upload(content, mime_type)
            except ArtifactUploadError as error:
                _logger.warning("an image stays in the event log: %s", error)
                continue
            moved[mime_type] = Artifact(
                artifact_id=artifact_id,
                metadata={
                    **_metadata_of(representation),
                    "originalSizeBytes": len(content),
                    "uploadedAt": format_date(self.now()),
                },
            )
            url = self.url(artifact_id)
            moved.setdefault(PLAIN_TEXT, Inline(data=f"[{mime_type}: {url}]"))
            moved.setdefault(_MARKDOWN, Inline(data=f"![{mime_type}]({url})"))
        return moved


def _metadata_of(representation: Inline | Artifact) -> dict[str, object]:
    metadata = representation.metadata
    return metadata if isinstance(metadata, dict) else {}
