from pathlib import Path

import httpx
import pytest

from runt_agent import Service
from runt_cli._artifacts import fetch_artifacts
from runt_sync import open_server


async def upload(service: Service, content: bytes) -> str:
    headers = {**service.authorization(), "x-notebook-id": "n"}
    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"{service.http_base}/api/artifacts", headers=headers, content=content
        )
    return response.json()["artifactId"]


async def test_what_is_there_is_fetched_and_the_rest_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy of the environment has no way to a server on this machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with open_server(data_dir=tmp_path, token="t") as server:
        service = Service(sync_url=server.sync_url, auth_token="t")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        known = await upload(service, b"content")
        monkeypatch.delenv("NO_PROXY")
        hostile = ["unknown", "..", "../me", f"{known}/../../me", "", "?x", "\ud83d"]
        assert await fetch_artifacts(service, [known, *hostile]) == {known: b"content"}
    assert await fetch_artifacts(service, [known]) == {}
