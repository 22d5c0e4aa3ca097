"""What the server keeps: indexes and their documents, and what of them searches see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .odata import predicate
from .refusing import KEY, LONGEST_TERM, VECTOR, RefusedError, only

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST: Final = 1000
_LAG: Final = 2
"""The how-manieth search after a write sees it."""
_SEARCH: Final = {
    "count", "filter", "orderby", "search", "select", "skip", "top", "sessionId", "vectorQueries", "vectorFilterMode",
}  # fmt: skip
_KEYS_FIRST: Final = re.compile(r"search\.in\(key, '([^']*)', ','\)")
_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "Edm.String": (str,),
    "Edm.Int64": (int,),
    "Edm.Double": (int, float),
    "Edm.Boolean": (bool,),
}


class Index:
    """One index."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.fields: dict[str, dict[str, Any]] = {field["name"]: field for field in body["fields"]}
        (self.key,) = (name for name, field in self.fields.items() if field.get("key"))
        self._kept: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, dict[str, Any]] = {}
        self._coming: list[tuple[int, str, dict[str, Any] | None]] = []
        self._searches = 0
        self.lag = _LAG
        self.refuse_next: str | None = None
        """The key of a document that is answered as one that cannot be indexed."""

    def change(self, actions: list[dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
        """The status of the answer, and what became of each document."""
        if not 0 < len(actions) <= MOST:
            raise RefusedError(f"A batch holds 1 to {MOST} documents, not {len(actions)}.")
        for action in actions:
            self._check(action)
        results = [self._apply(dict(action)) for action in actions]
        return (200 if all(result["status"] for result in results) else 207), results

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """One page of results."""
        self._show()
        only(body, _SEARCH, "search")
        if body.get("search", "*") != "*" or body.get("sessionId", "x").startswith("_"):
            raise RefusedError("This server knows no full text, and a session begins with no underscore.")
        top, skip = body.get("top", 50), body.get("skip", 0)
        if skip > 100_000 or top < 0:
            raise RefusedError("$skip must be at most 100000.")
        accepts = predicate(body["filter"], self.fields) if "filter" in body else None
        found = [(one, 1.0) for one in self._candidates(body.get("filter", "")) if accepts is None or accepts(one)]
        by_vector = "vectorQueries" in body
        found = self._closest(body, found) if by_vector else self._sorted(body.get("orderby"), found)
        page = found[skip : skip + min(top, MOST)]
        answer: dict[str, Any] = {"@odata.context": f"indexes('{self.body['name']}')/$metadata#docs(*)"}
        if body.get("count"):
            answer["@odata.count"] = len(found)
        left = min(top, len(found) - skip) - len(page)
        if left > 0:
            answer["@search.nextPageParameters"] = {**body, "skip": skip + len(page), "top": left}
            answer["@odata.nextLink"] = f"http://127.0.0.1/indexes('{self.body['name']}')/docs/search.post.search"
        names = self._selected(body.get("select"))
        answer["value"] = [{"@search.score": score, **{n: one.get(n) for n in names}} for one, score in page]
        return answer

    def _candidates(self, text: str) -> Iterable[dict[str, Any]]:
        """The documents to look at: those with the keys that a filter begins with, or all."""
        named = _KEYS_FIRST.match(text)
        if named is None or " or " in text:
            return self._seen.values()
        return [self._seen[key] for key in dict.fromkeys(named[1].split(",")) if key in self._seen]

    def _show(self) -> None:
        self._searches += 1
        while self._coming and self._coming[0][0] <= self._searches:
            _, key, document = self._coming.pop(0)
            if document is None:
                self._seen.pop(key, None)
            else:
                self._seen[key] = document

    def _check(self, action: dict[str, Any]) -> None:
        only(action, {"@search.action", *self.fields}, "document")
        if action.get("@search.action") not in {"upload", "merge", "delete"}:
            raise RefusedError("The action is none of upload, merge, delete.")
        if not isinstance(action.get(self.key), str) or not KEY.fullmatch(action[self.key]):
            raise RefusedError(
                f"Invalid document key: '{action.get(self.key)}'. Keys can only have letters, digits, ..."
            )
        for name, value in action.items():
            if name != "@search.action" and value is not None and not self._fits(name, value):
                raise RefusedError(f"Cannot convert the value of '{name}' to the type {self.fields[name]['type']}.")

    def _fits(self, name: str, value: Any) -> bool:
        field = self.fields[name]
        if field["type"] == "Collection(Edm.String)":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)  # pyright: ignore[reportUnknownVariableType]
        if field["type"] != VECTOR:
            return isinstance(value, _PYTHON[field["type"]]) and isinstance(value, bool) == (
                field["type"] == "Edm.Boolean"
            )
        if len(value) != field["dimensions"]:
            raise RefusedError(
                f"There's a mismatch in vector dimensions. The vector field '{name}', with dimension of "
                f"'{field['dimensions']}', expects a length of '{field['dimensions']}'. However, the provided vector "
                f"has a length of '{len(value)}'."
            )
        return all(isinstance(one, float) for one in value)

    def _apply(self, action: dict[str, Any]) -> dict[str, Any]:
        how, key = action.pop("@search.action"), action[self.key]
        status, message = 200 if key in self._kept else 201, None
        if how == "merge" and key not in self._kept:
            status, message = 404, "Document not found."
        elif key == self.refuse_next:
            status, message, self.refuse_next = 400, "The document could not be indexed.", None
        elif any(self._too_long(name, value) for name, value in action.items()):
            status, message = 400, "Field contains a term that is too large to process. The max length is 32766 bytes."
        elif how == "delete":
            self._kept.pop(key, None)
            self._coming.append((self._searches + self.lag, key, None))
            status = 200
        else:
            self._kept[key] = {**self._kept[key], **action} if how == "merge" else action
            self._coming.append((self._searches + self.lag, key, self._kept[key]))
        return {"key": key, "status": message is None, "errorMessage": message, "statusCode": status}

    def _too_long(self, name: str, value: Any) -> bool:
        if not self.fields[name].get("filterable"):
            return False
        texts: list[Any] = [*value] if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        return any(isinstance(text, str) and len(text.encode()) > LONGEST_TERM for text in texts)

    def _closest(self, body: Mapping[str, Any], found: list[tuple[Any, float]]) -> list[tuple[Any, float]]:
        (query,) = body["vectorQueries"]
        only(query, {"kind", "vector", "fields", "k", "exhaustive"}, "vectorQuery")
        field = self.fields.get(query["fields"], {})
        if query["kind"] != "vector" or field.get("type") != VECTOR or "orderby" in body:
            raise RefusedError("A vector query asks for the vectors of a vector field, in the order of their score.")
        if body.get("vectorFilterMode", "preFilter") != "preFilter" or not 1 <= query["k"] <= 10_000:
            raise RefusedError("This server filters before it searches, for 1 to 10000 neighbours.")
        if len(query["vector"]) != field["dimensions"]:
            raise RefusedError(
                f"The vector field '{field['name']}', with dimension of '{field['dimensions']}', expects a length of "
                f"'{field['dimensions']}'. However, the provided vector has a length of '{len(query['vector'])}'."
            )
        with_it = [document for document, _ in found if document.get("vector") is not None]
        if not with_it:
            return []
        vectors = np.array([document["vector"] for document in with_it], dtype=np.float32)
        asked = np.array(query["vector"], dtype=np.float32)
        cosines = (vectors @ asked) / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked))
        scores = (1 / (1 + (1 - cosines))).astype(np.float32)
        order = np.argsort(-scores, kind="stable")[: query["k"]]
        return [(with_it[n], float(str(scores[n]))) for n in order]

    def _sorted(self, orderby: str | None, found: list[tuple[Any, float]]) -> list[tuple[Any, float]]:
        if orderby is None:
            return found
        name, _, direction = orderby.partition(" ")
        if not self.fields.get(name, {}).get("sortable") or direction not in {"", "asc", "desc"}:
            raise RefusedError(f"The field '{name}' is not sortable.")
        return sorted(found, key=lambda one: one[0][name].encode(), reverse=direction == "desc")

    def _selected(self, select: str | None) -> list[str]:
        able = [name for name, field in self.fields.items() if field.get("retrievable", True)]
        if select is None:
            return able
        names = select.split(",")
        unknown = set(names) - set(able)
        if unknown:
            raise RefusedError(f"Invalid expression: {', '.join(sorted(unknown))} is no retrievable field.")
        return names
