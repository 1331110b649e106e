"""Reading a command's log by offset, while it is written and after.

A reader never waits for the writer and the writer never for a reader: they share only files. Reading
goes through the index, so each piece has one channel and the time its first byte was read.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import NamedTuple

from .log import ENTRY, segment_path, segment_starts

_RUN_MS = 100  # what was read within this time is one run; after a pause another begins, with its own time
_IDX_BYTES = 64 << 10
_ENTRIES_KEPT = 4096  # of an index that has been read past


class Piece(NamedTuple):
    """Bytes of one channel that lie side by side in the log."""

    offset: int
    channel: int
    at_ms: int
    data: bytes


class _Segment:
    """One open segment. An open file stays readable when the writer drops the segment."""

    def __init__(self, directory: str, start: int) -> None:
        self.start = start
        self._log = os.open(segment_path(directory, start, "log"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._idx = os.open(segment_path(directory, start, "idx"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self._log)
            raise
        self._offsets: list[int] = []
        self._stamps: list[int] = []
        self._idx_read = 0

    def close(self) -> None:
        os.close(self._log)
        os.close(self._idx)

    def read(self, offset: int, limit: int) -> list[Piece]:
        """What the segment holds from `offset` on, up to `limit` bytes; nothing behind its end."""
        data = os.pread(self._log, limit, offset - self.start)
        if not data:
            return []
        # Entries are written before their bytes: those of the bytes just read are there by now.
        end = offset + len(data)
        self._learn(offset, end)
        pieces = []
        index = bisect_right(self._offsets, offset) - 1
        position = offset
        while position < end:
            stamp = self._stamps[index]
            index += 1
            while index < len(self._offsets) and self._offsets[index] < end:
                other = self._stamps[index]
                if (other ^ stamp) & 3 or (other - stamp) >> 2 > _RUN_MS:
                    break
                index += 1
            after = min(end, self._offsets[index]) if index < len(self._offsets) else end
            part = data if after - position == len(data) else data[position - offset : after - offset]
            pieces.append(Piece(position, stamp & 3, stamp >> 2, part))
            position = after
        return pieces

    def _learn(self, offset: int, end: int) -> None:
        """Know the index entries that cover the bytes from `offset` to `end`; forget those long before."""
        if self._offsets and offset < self._offsets[0]:
            self._offsets, self._stamps, self._idx_read = [], [], 0
        while not self._offsets or self._offsets[-1] < end:
            part = os.pread(self._idx, _IDX_BYTES, self._idx_read)
            part = part[: len(part) - len(part) % ENTRY.size]
            for entry_offset, stamp in ENTRY.iter_unpack(part):
                self._offsets.append(entry_offset)
                self._stamps.append(stamp)
            self._idx_read += len(part)
            if len(part) < _IDX_BYTES:
                break
        if not self._offsets or self._offsets[0] > offset:
            raise FileNotFoundError("the index has no entry for this offset")
        passed = bisect_right(self._offsets, offset) - 1
        if passed > _ENTRIES_KEPT:
            del self._offsets[:passed], self._stamps[:passed]


class LogReader:
    """Reads one command's log; keeps at most one segment open."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._starts: list[int] = []
        self._segment: _Segment | None = None

    def close(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def bounds(self) -> tuple[int, int]:
        """The offsets of the oldest byte and after the newest one, as the disk has them now."""
        while True:
            self._starts = segment_starts(self.directory)
            if not self._starts:
                return 0, 0
            last = self._starts[-1]
            try:
                size = os.stat(segment_path(self.directory, last, "log")).st_size
            except FileNotFoundError:
                continue
            return self._starts[0], last + size

    def read(self, offset: int, end: int, limit: int) -> list[Piece]:
        """Pieces from `offset` on, of at most `limit` bytes together, none of them beyond `end`.

        Where the writer has dropped `offset` already, the first piece begins later; where it has
        dropped everything up to `end`, there is no piece.
        """
        pieces: list[Piece] = []
        while offset < end and limit > 0:
            segment = self._segment
            found = []
            if segment is not None and segment.start <= offset:
                found = segment.read(offset, min(end - offset, limit))
            if not found:
                other = self._find(offset)
                if other is None or (other is segment and segment.start <= offset):
                    break
                offset = max(offset, other.start)
                continue
            pieces += found
            size = found[-1].offset + len(found[-1].data) - offset
            offset += size
            limit -= size
        return pieces

    def _find(self, offset: int) -> _Segment | None:
        """The segment that holds `offset`, or the oldest one after it, opened."""
        segment = self._segment
        for _ in range(100):  # each failed turn means that the writer dropped a segment meanwhile
            starts = self._starts = segment_starts(self.directory)
            if not starts:
                return None
            start = starts[max(0, bisect_right(starts, offset) - 1)]
            if segment is not None and segment.start == start:
                return segment
            try:
                opened = _Segment(self.directory, start)
            except FileNotFoundError:
                continue
            self.close()
            self._segment = opened
            return opened
        return None
