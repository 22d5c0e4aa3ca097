"""The Gemini API's method batchEmbedContents as its API reference describes it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medha_conformance.vendor import RefusedError, Request, VendorServer

KEY = "a-key-of-the-tests"
DIMENSIONS = {"gemini-embedding-001": 3072, "gemini-embedding-2": 3072}
PATH = re.compile(r"/v1beta/models/([^/:]+):batchEmbedContents")
QUERY, DOCUMENT = "task: search result | query: ", "title: none | text: "


class Strict(BaseModel):
    """A field that the reference does not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Part(Strict):
    """A part that is text."""

    text: str


class Content(Strict):
    """What one vector is made of."""

    parts: Annotated[list[Part], Field(min_length=1)]
    role: Literal["user"] | None = None


class One(Strict):
    """One text to embed."""

    model: str
    content: Content
    taskType: (  # noqa: N815 - Google's name
        Literal[
            "RETRIEVAL_QUERY",
            "RETRIEVAL_DOCUMENT",
            "SEMANTIC_SIMILARITY",
            "QUESTION_ANSWERING",
            "FACT_VERIFICATION",
            "CODE_RETRIEVAL_QUERY",
            "CLASSIFICATION",
            "CLUSTERING",
        ]
        | None
    ) = None
    title: str | None = None
    outputDimensionality: Annotated[int, Field(ge=1, le=3072)] | None = None  # noqa: N815


class Body(Strict):
    """The request's body."""

    requests: Annotated[list[One], Field(min_length=1, max_length=100)]


def gemini_server() -> VendorServer:
    """The server."""

    def answer(server: VendorServer, request: Request) -> object:
        found = PATH.fullmatch(request.path)
        if request.method != "POST" or found is None or request.query:
            raise RefusedError(f"no such address: {request.method} {request.path} {request.query}", status=404)
        if not request.headers.get("x-goog-api-key"):
            raise RefusedError("Method doesn't allow unregistered callers", status=403)
        try:
            body = Body.model_validate(request.body)
        except ValidationError as exc:
            raise RefusedError(str(exc)) from exc
        model = found[1]
        first = body.requests[0]
        sides = {(one.model, one.taskType, one.outputDimensionality) for one in body.requests}
        if sides != {(f"models/{model}", first.taskType, first.outputDimensionality)}:
            raise RefusedError("the requests of a batch are for one model, and here alike")
        if model == "gemini-embedding-2" and first.taskType is not None:
            raise RefusedError("this model does not support taskType")
        texts = ["".join(part.text for part in one.content.parts) for one in body.requests]
        is_document = first.taskType == "RETRIEVAL_DOCUMENT" or texts[0].startswith(DOCUMENT)
        bare = [text.removeprefix(DOCUMENT).removeprefix(QUERY) for text in texts]
        dimension = first.outputDimensionality or DIMENSIONS.get(model, 48)
        vectors = server.vectors(bare, dimension, is_document=is_document)
        return {
            "embeddings": [{"values": vector} for vector in vectors],
            "usageMetadata": {"promptTokenCount": server.count(bare)},
        }

    return VendorServer(answer, error)


def error(status: int, message: str) -> object:
    """The body of an error."""
    return {"error": {"code": status, "message": message, "status": "A_STATUS", "details": []}}
