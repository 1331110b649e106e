"""Where the last lines of a log begin."""

from __future__ import annotations

import binascii

from daytona_rpc.cli.client import Client, Message

_FIRST_BYTES = 1 << 16
_PAGE_BYTES = 4 << 20


def offset(client: Client, status: Message, lines: int, channel: str | None, *, least: int) -> int:
    """The offset where the last `lines` lines of a command's log begin, and not before `least`.

    With a channel, its lines are counted.
    """
    size = status["logSize"]
    least = min(max(least, status["truncatedBefore"]), size)
    back = _FIRST_BYTES
    while True:
        start = max(least, size - back)
        found = _line_start(_read(client, status["commandId"], start, size, channel), lines, size)
        if found is not None or start == least:
            return least if found is None else found
        back *= 4


def _line_start(pieces: list[tuple[int, bytes]], lines: int, end: int) -> int | None:
    """Where the last `lines` lines of the pieces begin; None if they begin before them."""
    if lines == 0:
        return end
    missing = lines
    last = True
    for start, data in reversed(pieces):
        at = len(data)
        if last and data:
            last = False
            at -= data.endswith(b"\n")  # ends the last line, and begins none
        while (at := data.rfind(b"\n", 0, at)) >= 0:
            missing -= 1
            if missing == 0:
                return start + at + 1
    return None


def _read(
    client: Client, command_id: str, start: int, end: int, channel: str | None
) -> list[tuple[int, bytes]]:
    """The log from `start` to `end`, in pieces with their offsets."""
    found = []
    while start < end:
        params: Message = {"commandId": command_id, "offset": start, "limit": min(end - start, _PAGE_BYTES)}
        if channel is not None:
            params["channel"] = channel
        page = client.request("command/logs", params)
        for chunk in page["chunks"]:
            text = chunk["data"]
            data = text.encode() if chunk["encoding"] == "utf8" else binascii.a2b_base64(text)
            found.append((chunk["offset"], data))
        if page["nextOffset"] <= start:
            break
        start = page["nextOffset"]
    return found
