"""How many requests a connection carried, told from its bytes."""

from __future__ import annotations

from typing import Final

_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEAD: Final = 9
_HEADERS_FRAME: Final = 1


class Exchanges:
    """Counts the requests of one connection.

    Over HTTP/2 (gRPC) a request is a HEADERS frame. Elsewhere one begins when the client speaks after the server did,
    so that a pipeline that is sent at once is one request.
    """

    def __init__(self) -> None:
        self._first = b""
        self._http2: bool | None = None
        self._frames = b""
        self._skip = 0
        self._asking = False

    def asked(self, chunk: bytes) -> int:
        """How many requests begin in what the client sends."""
        if self._http2 is None:
            self._first += chunk
            if self._first.startswith(_HTTP2_PREFACE):
                self._http2 = True
                chunk = self._first[len(_HTTP2_PREFACE) :]
            elif not _HTTP2_PREFACE.startswith(self._first):
                self._http2 = False
            else:
                return 0
        if self._http2:
            return self._headers_in(chunk)
        begins = not self._asking
        self._asking = True
        return int(begins)

    def answered(self) -> None:
        """The server spoke."""
        self._asking = False

    def _headers_in(self, chunk: bytes) -> int:
        count = 0
        while chunk:
            skipped = chunk[self._skip :]
            self._skip = max(0, self._skip - len(chunk))
            self._frames += skipped
            chunk = b""
            if len(self._frames) >= _FRAME_HEAD:
                length, kind = int.from_bytes(self._frames[:3]), self._frames[3]
                count += kind == _HEADERS_FRAME
                chunk, self._frames, self._skip = self._frames[_FRAME_HEAD:], b"", length
        return count
