"""Cohere's embed endpoint, version 2, as its API reference describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medha_conformance.vendor import RefusedError, Request, VendorServer

KEY = "a-key-of-the-tests"
DIMENSIONS = {
    "embed-v4.0": 1536,
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-english-light-v3.0": 384,
    "embed-multilingual-light-v3.0": 384,
}
MOST_TOKENS = {"embed-v4.0": 128_000}


class Body(BaseModel):
    """The request's body; a field that the reference does not know is refused. Texts only: Medha has no images."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    input_type: Literal["search_document", "search_query", "classification", "clustering", "image"]
    texts: Annotated[list[str], Field(min_length=1, max_length=96)]
    embedding_types: list[Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]]
    output_dimension: Literal[256, 512, 1024, 1536] | None = None
    max_tokens: int | None = None
    truncate: Literal["NONE", "START", "END"] = "END"


def cohere_server() -> VendorServer:
    """The server."""

    def answer(server: VendorServer, request: Request) -> object:
        if (request.method, request.path, request.query) != ("POST", "/v2/embed", {}):
            raise RefusedError(f"no such address: {request.method} {request.path} {request.query}", status=404)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise RefusedError("no api key supplied", status=401)
        try:
            body = Body.model_validate(request.body)
        except ValidationError as exc:
            raise RefusedError(str(exc)) from exc
        if body.output_dimension is not None and body.model.endswith("-v3.0"):
            raise RefusedError("output_dimension is not supported by this model")
        most = MOST_TOKENS.get(body.model, 512)
        if body.truncate == "NONE" and any(server.count([text]) > most for text in body.texts):
            raise RefusedError(f"too many tokens: an input exceeds {most}")
        dimension = body.output_dimension or DIMENSIONS.get(body.model, 48)
        vectors = server.vectors(body.texts, dimension, is_document=body.input_type == "search_document")
        return {
            "id": "an-id",
            "embeddings": {"float": vectors},
            "texts": body.texts,
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": server.count(body.texts)}},
            "response_type": "embeddings_by_type",
        }

    return VendorServer(answer, lambda _, message: {"id": "an-id", "message": message})
