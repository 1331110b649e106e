"""The terminal in front of us: its size, whether it is ours to read, and its raw mode."""

from __future__ import annotations

import os
import signal
import termios
from contextlib import suppress
from typing import Any

_STDIN = 0
_DEFAULT = (80, 24)
_LARGEST = 1000  # the protocol's limit

Attributes = list[Any]


def is_terminal(fd: int) -> bool:
    """Whether the descriptor is a terminal; False if it is closed, too."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


def is_raw(fd: int) -> bool:
    """Whether the descriptor is a terminal that takes a line feed for no more than that."""
    try:
        return not termios.tcgetattr(fd)[1] & termios.OPOST
    except termios.error:
        return False


def size() -> tuple[int, int]:
    """Columns and rows of the terminal we are on, or usual ones."""
    for fd in (1, 2, 0):
        with suppress(OSError):
            found = os.get_terminal_size(fd)
            if found.columns > 0 and found.lines > 0:
                return min(found.columns, _LARGEST), min(found.lines, _LARGEST)
    return _DEFAULT


def in_foreground() -> bool:
    """Whether reading our terminal would give us its input, instead of stopping us."""
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:  # not our controlling terminal: nobody is stopped over it
        return True


class RawMode:
    """Hands every key on as it is, from `enter` until `leave`; both may be called again.

    With `keep_interrupt`, Ctrl-C stays a signal to us.
    """

    def __init__(self, *, keep_interrupt: bool = False) -> None:
        self._keep_interrupt = keep_interrupt
        self._before: Attributes | None = None

    def enter(self) -> None:
        """Make the terminal raw, if it is ours."""
        if not in_foreground():
            return
        with suppress(termios.error):
            before = termios.tcgetattr(_STDIN)
            if self._before is None:
                self._before = before
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, _raw(before, self._keep_interrupt))

    def leave(self) -> None:
        """Make the terminal what it was."""
        if self._before is not None:
            # From the background too, where the system would stop us for it.
            handler = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            with suppress(termios.error):
                termios.tcsetattr(_STDIN, termios.TCSADRAIN, self._before)
            signal.signal(signal.SIGTTOU, handler)
            self._before = None


def _raw(attributes: Attributes, keep_interrupt: bool) -> Attributes:
    iflag, oflag, cflag, lflag, ispeed, ospeed, cc = attributes
    iflag &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
    oflag &= ~termios.OPOST  # the command's own terminal has done that already
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    lflag &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    cc = list(cc)
    cc[termios.VMIN], cc[termios.VTIME] = 1, 0
    if keep_interrupt:
        for key in (termios.VQUIT, termios.VSUSP):
            cc[key] = b"\0"
    else:
        lflag &= ~termios.ISIG
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, cc]
