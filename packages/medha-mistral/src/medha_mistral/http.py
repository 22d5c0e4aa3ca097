"""The HTTP client under Mistral's SDK."""

from __future__ import annotations

from typing import Any

import httpx2

from medha.remote import read_apart


class SettingAside(httpx2.AsyncClient):
    """Takes the vectors out of answers, which the SDK would hold the event loop with for 15 milliseconds."""

    async def send(self, request: httpx2.Request, *, stream: bool = False, **chosen: Any) -> httpx2.Response:  # noqa: ARG002
        """The answer without its numbers."""
        response = await super().send(request, stream=True, **chosen)
        body = await read_apart(response, "embedding")
        return httpx2.Response(response.status_code, headers=response.headers, content=body, request=response.request)
