"""The HTTP side: identity, artifacts, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from runt_sync import Limits, Server, open_server


def headers(server: Server, **more: str) -> dict[str, str]:
    return {
        "authorization": f"Bearer {server.token}",
        "x-notebook-id": "notebook",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


async def test_health_needs_no_token(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_me_is_the_local_user(server: Server, http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/me", headers=headers(server))
    assert answer.status_code == 200
    assert answer.json()["id"] == "local"
    assert "@" in answer.json()["email"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/me"), ("POST", "/api/artifacts")]
)
async def test_no_token_no_answer(
    server: Server, http: httpx.AsyncClient, method: str, path: str, authorization: str
) -> None:
    given = authorization.format(token=server.token)
    answer = await http.request(
        method, path, headers=headers(server, authorization=given), content=b"x"
    )
    assert answer.status_code == 401
    assert "Bearer" in answer.json()["error"]
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_artifact_comes_back_as_it_was(
    server: Server, http: httpx.AsyncClient
) -> None:
    content = bytes(range(256)) * 1000
    stored = await http.post(
        "/api/artifacts",
        headers=headers(server, content_type="image/png"),
        content=content,
    )
    assert stored.status_code == 200
    answer = await http.get(f"/api/artifacts/{stored.json()['artifactId']}")
    assert answer.content == content
    assert answer.headers["content-type"] == "image/png"


async def test_a_stored_page_cannot_run(
    server: Server, http: httpx.AsyncClient
) -> None:
    stored = await http.post(
        "/api/artifacts",
        headers=headers(server, content_type="text/html; charset=utf-8"),
        content=b"<script>alert(1)</script>",
    )
    answer = await http.get(f"/api/artifacts/{stored.json()['artifactId']}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert {"sandbox", "default-src 'none'"} <= set(policy.split("; "))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_ids_are_new_each_time_and_bytes_are_stored_once(
    server: Server, http: httpx.AsyncClient, data_dir: Path
) -> None:
    ids = {
        (
            await http.post("/api/artifacts", headers=headers(server), content=b"same")
        ).json()["artifactId"]
        for _ in range(3)
    }
    assert len(ids) == 3
    (file,) = (data_dir / "artifacts").iterdir()
    assert file.read_bytes() == b"same"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_artifacts_outlive_the_server(data_dir: Path) -> None:
    async with (
        open_server(data_dir=data_dir) as server,
        httpx.AsyncClient(base_url=server.base_url) as http,
    ):
        stored = await http.post(
            "/api/artifacts", headers=headers(server), content=b"kept"
        )
    async with (
        open_server(data_dir=data_dir) as server,
        httpx.AsyncClient(base_url=server.base_url) as http,
    ):
        answer = await http.get(f"/api/artifacts/{stored.json()['artifactId']}")
    assert answer.content == b"kept"
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_half_an_upload_does_not_stay(data_dir: Path) -> None:
    async with open_server(data_dir=data_dir):
        left = data_dir / "artifacts" / "upload-of-a-killed-server"
        left.write_bytes(b"half")
    async with open_server(data_dir=data_dir):
        assert list((data_dir / "artifacts").iterdir()) == []


@pytest.mark.parametrize(
    "artifact_id", ["unknown", "..%2f..%2ftoken", "%00", "%ff", "a/b", "'--"]
)
async def test_an_unknown_id_is_not_found(
    http: httpx.AsyncClient, artifact_id: str
) -> None:
    answer = await http.get(f"/api/artifacts/{artifact_id}")
    assert answer.status_code == 404
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_notebook_id", ""),
        ("content_type", "nonsense"),
        ("content_type", "text/plain; x=" + "y" * 300),
    ],
)
async def test_headers_that_cannot_be_kept_are_refused(
    server: Server, http: httpx.AsyncClient, name: str, value: str
) -> None:
    answer = await http.post(
        "/api/artifacts", headers=headers(server, **{name: value}), content=b"x"
    )
    assert answer.status_code == 400
    assert name.replace("_", "-") in answer.json()["error"]


async def test_too_many_bytes_are_refused_announced_or_not(data_dir: Path) -> None:
    async def in_pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1000

    async with (
        open_server(
            data_dir=data_dir, limits=Limits(max_artifact_bytes=5000)
        ) as server,
        httpx.AsyncClient(base_url=server.base_url) as http,
    ):
        for content, status in (
            (b"x" * 5000, 200),
            (b"x" * 5001, 413),
            (in_pieces(5), 200),
            (in_pieces(6), 413),
        ):
            answer = await http.post(
                "/api/artifacts", headers=headers(server), content=content
            )
            assert answer.status_code == status
        assert "5,000 bytes" in answer.json()["error"]
    (file,) = (data_dir / "artifacts").iterdir()
    assert file.stat().st_size == 5000


async def test_other_paths_and_methods_are_refused_in_json(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get("/nowhere")).json()["error"] == "Not Found"
    assert (await http.delete("/api/me")).status_code == 405
