"""Mistral's embedding endpoint as its API reference describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medha_conformance.vendor import RefusedError, Request, VendorServer

KEY = "a-key-of-the-tests"
DIMENSIONS = {"mistral-embed": 1024, "codestral-embed": 1536}


class Body(BaseModel):
    """The request's body; a field that the reference does not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    input: Annotated[list[str], Field(min_length=1, max_length=256)]
    metadata: dict[str, Any] | None = None
    output_dimension: Annotated[int, Field(ge=1, le=3072)] | None = None
    output_dtype: Literal["float", "int8", "uint8", "binary", "ubinary"] = "float"
    encoding_format: Literal["float", "base64"] = "float"


def mistral_server() -> VendorServer:
    """The server."""

    def answer(server: VendorServer, request: Request) -> object:
        if (request.method, request.path, request.query) != ("POST", "/v1/embeddings", {}):
            raise RefusedError(f"no such address: {request.method} {request.path} {request.query}", status=404)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise RefusedError("Unauthorized", status=401)
        try:
            body = Body.model_validate(request.body)
        except ValidationError as exc:
            raise RefusedError(str(exc), status=422) from exc
        if body.output_dimension is not None and body.model == "mistral-embed":
            raise RefusedError("this model does not support output_dimension")
        # a byte is a token here, the worst that can be
        if sum(len(text.encode()) for text in body.input) > 16_384:
            raise RefusedError("Too many tokens in batch. Max is 16384")
        vectors = server.vectors(body.input, body.output_dimension or DIMENSIONS.get(body.model, 48))
        tokens = server.count(body.input)
        return {
            "id": "an-id",
            "object": "list",
            "model": body.model,
            "data": [
                {"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)
            ][::-1],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
        }

    return VendorServer(answer, error)


def error(status: int, message: str) -> object:
    """The body of an error; what does not fit the schema is told in FastAPI's form, which repeats the input."""
    if status == 422:
        return {"detail": [{"loc": ["body", "input"], "msg": message, "type": "value_error"}]}
    return {"object": "error", "message": message, "type": "a_type", "param": None, "code": None}
