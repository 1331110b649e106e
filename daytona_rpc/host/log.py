"""The log of one command on disk: the bytes it wrote, in the order they were read.

A log is a row of segments. `<start>.log` holds the bytes from offset `start` on; `<start>.idx` says
which channel they belong to and when they were read, as 16-byte entries: the offset at which a run
begins, then its time in milliseconds since the epoch shifted left by two, with the channel in the low
bits. A new entry begins where the channel or the millisecond changes, never for each write, so that a
flood costs next to nothing. The entry is on disk before its bytes, so a reader finds the channel of
every byte it can see.

The log keeps at most `cap` bytes (segments and index together) by dropping its oldest segments, and
does the same where the disk is full: the newest bytes are worth most. `base` is the offset of the
oldest byte still there; everything from `base` to `size` can be read, never with a hole.
"""

from __future__ import annotations

import errno
import os
from struct import Struct

CHANNELS = ("stdout", "stderr", "pty")
ENTRY = Struct("<QQ")

CAP_BYTES = 256 << 20
_SEGMENT_MAX_BYTES = 4 << 20
_SEGMENT_MIN_BYTES = 64 << 10
_SEGMENTS_PER_CAP = 64


def segment_path(directory: str, start: int, kind: str) -> str:
    """The path of a segment's file; the digits make names sort as offsets do."""
    return os.path.join(directory, f"{start:020d}.{kind}")


def segment_starts(directory: str) -> list[int]:
    """The offsets at which the segments of a log begin, in order."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(int(name[:-4]) for name in names if name.endswith(".log"))


def held_back(data: bytes | memoryview) -> int:
    """How many bytes at the end of `data` begin a UTF-8 character that is not complete yet (0 to 3)."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF8 else 0
            return back if width > back else 0
    return 0


class LogWriter:
    """Appends to a log. The host that owns the command is its only writer."""

    def __init__(self, directory: str, cap: int = CAP_BYTES) -> None:
        self.directory = directory
        self.cap = max(cap, 2 * _SEGMENT_MIN_BYTES)
        self.segment_bytes = max(_SEGMENT_MIN_BYTES, min(_SEGMENT_MAX_BYTES, self.cap // _SEGMENTS_PER_CAP))
        self.base = 0
        """The offset of the oldest byte that is still there."""
        self.size = 0
        """The offset after the newest byte."""
        self.problem: str | None = None
        """Why bytes were dropped before the cap was reached, or None."""
        self._closed: list[tuple[int, int]] = []  # (start, bytes on disk) of the full segments
        self._kept = 0  # bytes on disk of the full segments
        self._start = 0
        self._log = -1
        self._idx = -1
        self._idx_bytes = 0
        self._stamp = -1  # the last entry's time and channel

    def append(self, channel: int, data: bytes | memoryview, at_ms: int) -> None:
        """Append bytes of one channel. Never fails: what the disk does not take is dropped and told."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._append(channel, rest, at_ms) :]
            except OSError as error:
                self.problem = os.strerror(error.errno or errno.EIO)
                if not self._make_room():
                    self._skip(len(rest))
                    return

    def close(self) -> None:
        """Close the files. The log stays."""
        for fd in (self._log, self._idx):
            if fd >= 0:
                os.close(fd)
        self._log = self._idx = -1

    def _skip(self, count: int) -> None:
        """Pass over bytes that found no room, with nothing left to drop for them."""
        self.size += count
        self.base = self.size
        try:
            self._open()  # empty as it is, its name tells readers where the log goes on
        except OSError:
            pass

    def _append(self, channel: int, data: memoryview, at_ms: int) -> int:
        """Append what the disk takes; how many bytes that was."""
        if self._log < 0:
            self._open()
        elif self.size - self._start + self._idx_bytes >= self.segment_bytes:
            self._roll()
        stamp = at_ms << 2 | channel
        if stamp != self._stamp:
            self._write_entry(stamp)
        written = os.write(self._log, data)
        self.size += written
        return written

    def _write_entry(self, stamp: int) -> None:
        if os.write(self._idx, ENTRY.pack(self.size, stamp)) < ENTRY.size:
            os.ftruncate(self._idx, self._idx_bytes)
            raise OSError(errno.ENOSPC, "no space for an index entry")
        self._idx_bytes += ENTRY.size
        self._stamp = stamp

    def _open(self) -> None:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
        self._idx = os.open(segment_path(self.directory, self.size, "idx"), flags, 0o600)
        try:
            self._log = os.open(segment_path(self.directory, self.size, "log"), flags, 0o600)
        except OSError:
            os.close(self._idx)
            self._idx = -1
            os.unlink(segment_path(self.directory, self.size, "idx"))
            raise
        self._start = self.size
        self._idx_bytes = 0
        self._stamp = -1

    def _roll(self) -> None:
        self.close()
        self._closed.append((self._start, self.size - self._start + self._idx_bytes))
        self._kept += self._closed[-1][1]
        while self._kept + self.segment_bytes > self.cap and self._drop_oldest():
            pass
        self._open()

    def _drop_oldest(self) -> bool:
        if not self._closed:
            return False
        start, on_disk = self._closed.pop(0)
        self._kept -= on_disk
        # Told before done: a reader that finds the segment gone finds the new base in the next status.
        self.base = self._closed[0][0] if self._closed else self._start if self._log >= 0 else self.size
        self._unlink(start)
        return True

    def _make_room(self) -> bool:
        """Free what this log holds, oldest first; False when it holds nothing more."""
        # Smaller segments from here on lose less at a time.
        self.segment_bytes = max(_SEGMENT_MIN_BYTES, self.segment_bytes // 4)
        if self._drop_oldest():
            return True
        if self._log < 0:
            return False
        self.close()
        self._unlink(self._start)
        held, self.base = self.size > self._start, self.size
        return held

    def _unlink(self, start: int) -> None:
        for kind in ("log", "idx"):
            try:
                os.unlink(segment_path(self.directory, start, kind))
            except FileNotFoundError:
                pass
