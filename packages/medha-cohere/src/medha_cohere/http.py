"""The HTTP client under Cohere's SDK."""

from __future__ import annotations

from typing import Any

import httpx

from medha.remote import read_apart


class SettingAside(httpx.AsyncClient):
    """Takes the vectors out of answers, which the SDK would look at one by one for a fifth of a second."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **chosen: Any) -> httpx.Response:  # noqa: ARG002
        """The answer without its numbers."""
        response = await super().send(request, stream=True, **chosen)
        body = await read_apart(response, "float")
        return httpx.Response(response.status_code, headers=response.headers, content=body, request=response.request)
