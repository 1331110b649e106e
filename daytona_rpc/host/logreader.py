"""Reading a command's log by offset, while it is written and after.

A reader never waits for the writer and the writer never for a reader: they share only files. Reading
goes through the index, so each piece has one channel and the time its first byte was read.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import NamedTuple

from .log import ENTRY, segment_path, segment_starts

_RUN_MS = (
    100  # what was read within this time is one run; a pause begins another, which has a time of its own
)


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
        self.log = os.open(segment_path(directory, start, "log"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.idx = os.open(segment_path(directory, start, "idx"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self.log)
            raise
        self.offsets: list[int] = []
        self.stamps: list[int] = []

    def close(self) -> None:
        os.close(self.log)
        os.close(self.idx)

    def end(self) -> int:
        return self.start + os.fstat(self.log).st_size

    def refresh(self) -> None:
        """Read the index entries written since the last time."""
        known = len(self.offsets) * ENTRY.size
        while True:
            part = os.pread(self.idx, 1 << 16, known)
            part = part[: len(part) - len(part) % ENTRY.size]
            if not part:
                return
            for offset, stamp in ENTRY.iter_unpack(part):
                self.offsets.append(offset)
                self.stamps.append(stamp)
            known += len(part)

    def run(self, offset: int, end: int) -> tuple[int, int, int]:
        """The channel and time of the byte at `offset`, and where its run of one channel ends."""
        index = bisect_right(self.offsets, offset) - 1
        if index < 0:
            raise FileNotFoundError("the index has no entry for this offset")
        stamp = self.stamps[index]
        for later in range(index + 1, len(self.offsets)):
            if self.offsets[later] >= end:
                break
            if (self.stamps[later] ^ stamp) & 3 or (self.stamps[later] - stamp) >> 2 > _RUN_MS:
                return stamp & 3, stamp >> 2, self.offsets[later]
        return stamp & 3, stamp >> 2, end


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
            segment = self._find(offset)
            if segment is None:
                break
            offset = max(offset, segment.start)
            stop = min(end, segment.end(), offset + limit)
            if stop <= offset:
                break
            if not segment.offsets or segment.offsets[-1] < stop:
                segment.refresh()
            channel, at_ms, run_end = segment.run(offset, stop)
            data = os.pread(segment.log, min(run_end, stop) - offset, offset - segment.start)
            if not data:
                break
            pieces.append(Piece(offset, channel, at_ms, data))
            offset += len(data)
            limit -= len(data)
        return pieces

    def _find(self, offset: int) -> _Segment | None:
        """The segment that holds `offset`, or the oldest one after it."""
        segment = self._segment
        if segment is not None and segment.start <= offset and offset < segment.end():
            return segment
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
