"""The HTTP client under Cohere's SDK."""

from __future__ import annotations

from typing import Any

import httpx

from medha.remote import set_aside


class SettingAside(httpx.AsyncClient):
    """Takes the vectors out of answers, which the SDK would look at one by one for a fifth of a second."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **chosen: Any) -> httpx.Response:  # noqa: ARG002
        """The answer without its numbers."""
        response = await super().send(request, stream=True, **chosen)
        try:
            chunks = [chunk async for chunk in response.aiter_bytes()]
        finally:
            await response.aclose()
        body = await set_aside(chunks, "float")
        # of the body as it came
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            response.headers.pop(name, None)
        return httpx.Response(response.status_code, headers=response.headers, content=body, request=response.request)
