"""OpenAI's embedding endpoint as its API reference describes it, Azure's address of it included."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medha_conformance.vendor import RefusedError, Request, VendorServer

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-a-key-of-the-tests"
DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
DOCUMENT, QUERY = "search_document: ", "search_query: "


class Body(BaseModel):
    """The request's body; a field that the reference does not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    input: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=2048)]
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


def openai_server(check_address: Callable[[Request], None] | None = None) -> VendorServer:
    """The server; by default at OpenAI's path, with a bearer key."""

    def answer(server: VendorServer, request: Request) -> object:
        (check_address or bearer)(request)
        try:
            body = Body.model_validate(request.body)
        except ValidationError as exc:
            raise RefusedError(str(exc)) from exc
        native = DIMENSIONS.get(body.model, 48)
        if body.dimensions is not None and (body.model == "text-embedding-ada-002" or body.dimensions > native):
            raise RefusedError("this model does not support specifying dimensions")
        if sum(server.count([text]) for text in body.input) > 300_000:
            raise RefusedError("max 300000 tokens per request")
        vectors = server.vectors(body.input, body.dimensions or native)
        # not in the order of the texts: the index says which is whose
        data = [item(place, vector, body.encoding_format) for place, vector in enumerate(vectors)][::-1]
        tokens = server.count(body.input)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": body.model, "usage": usage}

    return VendorServer(answer, error)


def bearer(request: Request) -> None:
    """OpenAI's own address."""
    if (request.method, request.path, request.query) != ("POST", "/v1/embeddings", {}):
        raise RefusedError(f"no such address: {request.method} {request.path} {request.query}", status=404)
    if not request.headers.get("authorization", "").startswith("Bearer "):
        raise RefusedError("no bearer key", status=401)


def item(place: int, vector: list[float], encoding: str) -> dict[str, Any]:
    """One element of ``data``."""
    packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return {"object": "embedding", "index": place, "embedding": packed if encoding == "base64" else vector}


def error(status: int, message: str) -> object:
    """The body of an error."""
    code = "insufficient_quota" if "quota" in message else None
    return {"error": {"message": message, "type": "a_type", "param": None, "code": code}}
