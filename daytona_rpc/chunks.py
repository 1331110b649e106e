"""Pieces of a log as `LogChunk`s: whole characters as text, anything else as base64."""

from __future__ import annotations

import time
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from typing import Any

from daytona_rpc.host import log
from daytona_rpc.host.logreader import Piece

CHUNK_BYTES = 64 * 1024
"""The most one chunk holds, so that an answer never waits long behind one."""


def split(pieces: Iterable[Piece], end: int) -> Iterator[Piece]:
    """Cut pieces to the size of chunks, between characters.

    `end` is the log's size: what is cut short before it has more to come, so half a character at the
    end of the last piece is left out, unless there is nothing else.
    """
    begun = False
    for piece in pieces:
        offset, channel, at_ms, data = piece
        start = 0
        while start < len(data):
            part = data[start : start + CHUNK_BYTES] if len(data) > CHUNK_BYTES else data
            after = offset + start + len(part)
            if after < end and (start + len(part) == len(data) or len(part) == CHUNK_BYTES):
                back = log.held_back(part)
                if 0 < back < len(part):
                    part = part[:-back]
                elif back and begun:
                    return
            begun = True
            yield Piece(offset + start, channel, at_ms, part)
            if start + len(part) < len(data) <= start + CHUNK_BYTES:
                return  # only the half character is left
            start += len(part)


def encode(data: bytes) -> tuple[str, str]:
    """The text that stands for the bytes, and its encoding."""
    try:
        return data.decode(), "utf8"
    except UnicodeDecodeError:
        return b2a_base64(data, newline=False).decode("ascii"), "base64"


class Stamps:
    """Times as RFC 3339 text; formatting the same second again would cost more than all the rest."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, at_ms: int) -> str:
        second, millis = divmod(at_ms, 1000)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        return f"{self._prefix}{millis:03d}Z"


def chunk(session_id: str, command_id: str, piece: Piece, stamps: Stamps) -> dict[str, Any]:
    """The `LogChunk` of a piece, as the JSON value it has on the wire.

    Built without its class: under a flood of short lines this is the sidecar's inner loop. A test
    compares it with what `codec` makes of `protocol.LogChunk`.
    """
    data, encoding = encode(piece.data)
    return {
        "sessionId": session_id,
        "commandId": command_id,
        "offset": piece.offset,
        "channel": log.CHANNELS[piece.channel],
        "data": data,
        "encoding": encoding,
        "at": stamps.text(piece.at_ms),
    }
