"""Signals to us, as numbers that a `select` can wait for."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH, signal.SIGCONT)


class Left(Exception):
    """We go before the command's end, because of a signal."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


class Interrupts:
    """While this is entered, the signals of `CAUGHT` are read from `fd` and do nothing else.

    What is ignored from the start, as under `nohup`, stays ignored.
    """

    def __init__(self) -> None:
        self.fd = self._write = -1
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def __enter__(self) -> Interrupts:
        self.fd, self._write = os.pipe()
        for fd in (self.fd, self._write):
            os.set_blocking(fd, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in CAUGHT:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self.fd)
        os.close(self._write)

    def read(self) -> list[signal.Signals]:
        """The signals that came since the last time, in order."""
        with suppress(BlockingIOError):
            return [signal.Signals(number) for number in os.read(self.fd, 64)]
        return []


def _nothing(number: int, frame: FrameType | None) -> None:
    """Handles a signal: that it was caught is enough."""


def die_of(number: signal.Signals) -> int:
    """End as a program ends that leaves the signal alone; our caller's shell sees the signal.

    Returns the exit code that stands for it, in case we live on.
    """
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
