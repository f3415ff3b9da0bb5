"""Fetches uploaded outputs back, so that a notebook file holds all it shows."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

import httpx
import trio

from runt_agent import Service

_TIMEOUT_S: Final = 60.0
"""For one artifact; as long as an agent may take to upload one."""


async def fetch_artifacts(
    service: Service, artifact_ids: Iterable[str]
) -> dict[str, bytes]:
    """Fetch artifacts of a service.

    Args:
        service: Where they are, and the token.
        artifact_ids: Which ones.

    Returns:
        The bytes of those that could be had, by id.
    """
    found: dict[str, bytes] = {}
    async with httpx.AsyncClient(
        headers=service.authorization(),
        timeout=_TIMEOUT_S,
        follow_redirects=True,  # to another host httpx goes without the token
        # Without TLS there is no need for its slow set-up, and a proxy has no way to
        # this machine.
        verify=service.is_secure,
        trust_env=not service.is_on_this_machine,
    ) as client:
        for artifact_id in artifact_ids:
            # An id is free text in the events; it must stay one part of the path.
            path = f"/api/artifacts/{quote(artifact_id, safe='', errors='replace')}"
            with trio.move_on_after(_TIMEOUT_S):
                try:
                    response = await client.get(service.http_base + path)
                except httpx.HTTPError:
                    continue
                if response.is_success:
                    found[artifact_id] = response.content
    return found
