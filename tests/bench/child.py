"""The programs whose output is streamed: run as `python -I -S child.py NAME NUMBERS...` in a shell.

Small enough to be fast, ordinary enough to be what a tool does: write(2) on stdout.
"""

import os
import signal
import sys
import time

LINE = b"2026-03-01T09:30:00.000Z INFO  [worker-3] compiled module src/app/views/list.ts in 12 ms, 3 warnings"
LINE = LINE[:99].ljust(99, b".") + b"\n"
BLOCK = (LINE * 656)[:65536]
"""64 KiB of log text."""


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def flood(count: int) -> None:
    """`count` bytes in writes of 64 KiB."""
    for start in range(0, count, len(BLOCK)):
        write(BLOCK[: count - start])


def flood_for(seconds: float) -> None:
    """As much as is taken in this time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        write(BLOCK)


def lines(count: int, per_write: int) -> None:
    """`count` lines of 100 bytes, so many in each write."""
    data = LINE * per_write
    for start in range(0, count, per_write):
        write(data[: (count - start) * len(LINE)])


def ticks(count: int, interval_s: float) -> None:
    """A line every so often that says when it was written."""
    for _ in range(count):
        time.sleep(interval_s)
        os.write(1, b"%d\n" % time.monotonic_ns())


PROGRAMS = {"flood": flood, "flood_for": flood_for, "lines": lines, "ticks": ticks}

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when nobody reads
    PROGRAMS[sys.argv[1]](*(float(word) if "." in word else int(word) for word in sys.argv[2:]))
