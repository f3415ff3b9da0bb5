from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from runt_agent import ArtifactUploadError, Limits, Service
from runt_agent._artifacts import ArtifactStore
from runt_agent._outputs import CellOutputs
from runt_agent._publisher import OutputPublisher
from runt_protocol import (
    Artifact,
    Event,
    Inline,
    MultimediaDisplayOutputAdded,
    Representations,
    encode_event,
)
from runt_sync import Limits as ServerLimits
from runt_sync import Server, open_server
from runt_worker import DisplayData

HttpAnswer = Callable[..., bytes]
StartCanned = Callable[[bytes], Awaitable[Any]]
LARGE = bytes(range(256)) * 25  # 6,400 bytes
SMALL = LARGE[: 6 * 1024]


def store_at(sync_url: str, token: str, limits: Limits | None = None) -> ArtifactStore:
    return ArtifactStore(
        service=Service(sync_url=sync_url, auth_token=token),
        notebook_id="nb",
        limits=limits or Limits(),
        now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def inline(content: bytes, **metadata: Any) -> Inline:
    data = b64encode(content).decode()
    return Inline(data=data, metadata=metadata) if metadata else Inline(data=data)


async def test_a_large_image_becomes_an_artifact(server: Server, token: str) -> None:
    store = store_at(server.sync_url, token)

    moved = await store.move_images({"image/png": inline(LARGE, width=640)})

    image = moved["image/png"]
    assert isinstance(image, Artifact)
    assert image.metadata == {
        "width": 640,
        "originalSizeBytes": 6400,
        "uploadedAt": "2026-01-02T03:04:05.000Z",
    }
    url = f"{server.base_url}/api/artifacts/{image.artifact_id}"
    assert moved["text/plain"] == Inline(data=f"[image/png: {url}]")
    assert moved["text/markdown"] == Inline(data=f"![image/png]({url})")
    async with httpx.AsyncClient() as client:
        stored = await client.get(url)
    assert (stored.content, stored.headers["content-type"]) == (LARGE, "image/png")


async def test_texts_that_are_there_stay(server: Server, token: str) -> None:
    texts = {"text/plain": Inline(data="<Figure>"), "text/markdown": Inline(data="f")}

    media: Representations = {"image/jpeg": inline(LARGE), **texts}
    moved = await store_at(server.sync_url, token).move_images(media)

    assert isinstance(moved["image/jpeg"], Artifact)
    assert {mime_type: moved[mime_type] for mime_type in texts} == texts


async def test_small_images_and_other_media_stay_inline(
    server: Server, token: str
) -> None:
    media: Representations = {
        "image/png": inline(SMALL),
        "text/html": Inline(data="x" * 100_000),
        "image/gif": Inline(data="no base64" * 10_000),
    }

    assert await store_at(server.sync_url, token).move_images(media) == media


async def test_the_request_is_the_one_that_the_service_knows(
    start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer("200 OK", '{"artifactId":"a1"}'))

    assert await store_at(canned.sync_url, "t").upload(LARGE, "image/png") == "a1"

    [request] = canned.requests
    assert request.startswith("POST /api/artifacts HTTP/1.1\r\n")
    for header in (
        "Authorization: Bearer t",
        "x-notebook-id: nb",
        "content-type: image/png",
        "Content-Length: 6400",
    ):
        assert f"\r\n{header}\r\n" in request


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (("401 Unauthorized", "who is t0ken?"), "HTTP 401 who is .*"),
        (("403 Forbidden", "not yours"), "HTTP 403 not yours"),
        (("413 Payload Too Large", ""), "HTTP 413"),
        (("500 Internal Server Error", "oops"), "HTTP 500 oops"),
        (("302 Found", ""), "HTTP 302"),
        (("200 OK", "{}"), "gave no id"),
        (("200 OK", "<html>"), "gave no id"),
    ],
)
async def test_a_failed_upload_leaves_the_image_inline(
    answer: tuple[str, str],
    reason: str,
    start_canned: StartCanned,
    http_answer: HttpAnswer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    canned = await start_canned(http_answer(*answer))
    store = store_at(canned.sync_url, "t0ken")
    media: Representations = {"image/png": inline(LARGE)}

    with pytest.raises(ArtifactUploadError, match=reason):
        await store.upload(LARGE, "image/png")
    assert await store.move_images(media) == media

    assert "stays in the event log" in caplog.text
    assert "t0ken" not in caplog.text


async def test_an_upload_that_takes_too_long_is_given_up(
    start_canned: StartCanned,
) -> None:
    canned = await start_canned(b"")
    store = store_at(canned.sync_url, "t", Limits(upload_timeout_s=0.05))

    with pytest.raises(ArtifactUploadError, match="failed"):
        await store.upload(LARGE, "image/png")


async def test_an_upload_that_only_trickles_is_given_up(
    start_canned: StartCanned, http_answer: HttpAnswer
) -> None:
    canned = await start_canned(http_answer("200 OK", '{"artifactId":"late"}'))
    canned.piece_s = 0.02  # each read within any time-out of its own
    store = store_at(canned.sync_url, "t", Limits(upload_timeout_s=0.3))

    with pytest.raises(ArtifactUploadError, match="failed"):
        await store.upload(LARGE * 1000, "image/png")


@pytest.mark.parametrize("status", [401, 413])
@pytest.mark.parametrize("size", [100_000, 1_000_000])
async def test_what_our_server_does_not_take_is_shown_inline_or_said_to_be_missing(
    status: int, size: int, tmp_path: Path, token: str
) -> None:
    limits = ServerLimits(max_artifact_bytes=10_000)
    async with open_server(data_dir=tmp_path, token=token, limits=limits) as server:
        known = token if status == 413 else "another-token"
        events: list[Event] = []
        publisher = OutputPublisher(
            outputs=CellOutputs(
                cell_id="c", id_prefix="o", cleared_by="r", limits=Limits()
            ),
            artifacts=store_at(server.sync_url, known),
            commit=events.append,
            limits=Limits(),
        )
        image = b64encode(b"p" * size).decode()
        publisher.receive(
            DisplayData(
                data={"image/png": image, "text/plain": "<Figure>"}, metadata={}
            )
        )
        publisher.close()
        await publisher.run()

    [event] = events
    assert isinstance(event, MultimediaDisplayOutputAdded)
    if size == 100_000:
        assert event.representations["image/png"] == Inline(data=image)
        assert event.representations["text/plain"] == Inline(data="<Figure>")
    else:
        assert set(event.representations) == {"text/plain"}
        said = event.representations["text/plain"]
        assert isinstance(said, Inline)
        assert str(said.data).startswith("<Figure>\n[left out, too large")
        assert "image/png" in str(said.data)
    assert len(encode_event(event).args_text or "") < 900_000
