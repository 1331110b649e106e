"""The base protocol's frames: a `Content-Length` header, a blank line, a body.

Sans I/O: bytes go in as they come, bodies come out. Header names in any case and other headers are
accepted, as are bare line feeds and blank lines between frames.

A client that gets a header wrong is told so once and is heard again from its next `Content-Length`
line on: closing the connection over one bad frame would take every open log panel with it. The search
cannot mistake a part of a body for that line, because JSON has no raw line end inside a string.
"""

from __future__ import annotations

import re
from typing import Final

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of the largest body that is kept; a longer one is read past and reported."""

MAX_HEADER: Final = 8 * 1024
"""Bytes within which a header has to end."""

_MAX_DIGITS: Final = 12  # a length of terabytes is a broken header, not a body to wait for
_HEAD_BYTES: Final = 1024
_PREFIX: Final = b"Content-Length: "
_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH_LINE: Final = re.compile(rb"content-length[ \t]{0,8}:[ \t]{0,8}[0-9]{1,12}[ \t]{0,8}\r?\n", re.I)
_LENGTH_LINE_BYTES: Final = 64  # more than the longest match: what a search has to keep of its bytes


class FramingError(Exception):
    """These bytes are no frame. The reader has given up on them and goes on behind them."""


class BodyTooLarge(FramingError):
    """The body is longer than allowed; `head` is how it begins, so that its id may be found."""

    def __init__(self, size: int, head: bytes) -> None:
        super().__init__(f"a message of {size} bytes is too large")
        self.head = head


class FrameReader:
    """Cuts a stream of bytes into bodies, the same ones however the stream is split."""

    def __init__(self, *, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._buffer = bytearray()
        self._length: int | None = None  # of the body that comes next, once its header is whole
        self._skipped = 0  # bytes gone by of a body that is too large
        self._head = b""
        self._lost = False  # looking for the next header

    def feed(self, data: bytes) -> list[bytes | FramingError]:
        """Take what was read; return the bodies it completes, in order, with errors in their places."""
        buffer = self._buffer
        if not buffer and self._length is None and not self._lost:
            body = _sole_body(data, self._max_body)
            if body is not None:
                return [body]
        buffer += data
        found: list[bytes | FramingError] = []
        while True:
            try:
                if self._length is None and not self._next_header():
                    return found
                body = self._next_body()
            except FramingError as error:
                found.append(error)
                continue
            if body is None:
                return found
            found.append(body)

    def _next_header(self) -> bool:
        """Read a header into `_length`; False when it is not all there."""
        buffer = self._buffer
        if self._lost:
            line = _LENGTH_LINE.search(buffer)
            if line is None:
                del buffer[:-_LENGTH_LINE_BYTES]
                return False
            del buffer[: line.start()]
            self._lost = False
        if buffer.startswith((b"\r", b"\n")):
            del buffer[: len(buffer) - len(buffer.lstrip(b"\r\n"))]
        end = _HEADER_END.search(buffer, 0, MAX_HEADER)
        if end is None and len(buffer) < MAX_HEADER:
            return False
        try:
            if end is None:
                raise FramingError("the header is too long")
            self._length = _content_length(bytes(buffer[: end.start()]))
        except FramingError:
            self._lost = True
            del buffer[:1]  # or the search would find the same header again
            raise
        del buffer[: end.end()]
        return True

    def _next_body(self) -> bytes | None:
        """Cut off the body of `_length` bytes; None when it is not all there."""
        buffer = self._buffer
        length = self._length
        assert length is not None
        if length > self._max_body:
            self._skip_body(length)
            return None
        if len(buffer) < length:
            return None
        with memoryview(buffer) as view:
            body = bytes(view[:length])
        del buffer[:length]
        self._length = None
        return body

    def _skip_body(self, length: int) -> None:
        """Let a body that is too large go by, without keeping it."""
        buffer = self._buffer
        self._head += bytes(buffer[: _HEAD_BYTES - len(self._head)])
        part = min(len(buffer), length - self._skipped)
        self._skipped += part
        del buffer[:part]
        if self._skipped == length:
            error = BodyTooLarge(length, self._head)
            self._length, self._skipped, self._head = None, 0, b""
            raise error


def header(body: bytes) -> bytes:
    """The header of the body."""
    return b"Content-Length: %d\r\n\r\n" % len(body)


def frame(body: bytes) -> bytes:
    """The body with its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def notification(method: str, params: bytes) -> list[bytes]:
    """A framed notification from encoded params, in pieces for `writev`: params are not copied."""
    head = b'{"jsonrpc":"2.0","method":"%b","params":' % method.encode()
    return [b"Content-Length: %d\r\n\r\n%b" % (len(head) + len(params) + 1, head), params, b"}"]


def _sole_body(data: bytes, max_body: int) -> bytes | None:
    """The body, if the data is exactly one plain frame, as it nearly always is."""
    end = data.find(b"\r\n\r\n", len(_PREFIX), len(_PREFIX) + _MAX_DIGITS + 4)
    if end < 0 or not data.startswith(_PREFIX):
        return None
    digits = data[len(_PREFIX) : end]
    if not digits.isdigit() or len(data) != end + 4 + int(digits) or int(digits) > max_body:
        return None
    return data[end + 4 :]


def _content_length(block: bytes) -> int:
    lengths = set()
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise FramingError("a header line without a colon")
        if name.strip().lower() == b"content-length":
            digits = value.strip()
            if not digits.isdigit() or len(digits) > _MAX_DIGITS:
                raise FramingError("Content-Length is not a number of bytes")
            lengths.add(int(digits))
    if len(lengths) != 1:
        raise FramingError("one Content-Length is needed")
    return lengths.pop()
