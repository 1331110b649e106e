"""Our standard input on its way to a command: what may be read now, and when it ends."""

from __future__ import annotations

import binascii
import os
from collections import deque

from daytona_rpc.cli import terminal
from daytona_rpc.cli.client import Message

_STDIN = 0
_READ_BYTES = 1 << 16
_ON_THE_WAY = 4  # pieces the server has not taken yet


class Keyboard:
    """Standard input, read no faster than the command's end of it is taken.

    A terminal gives its lines, or each key in raw mode; a pipe or file what is in it.
    """

    def __init__(self, *, raw: terminal.RawMode | None = None, passes_eof: bool = True) -> None:
        """`passes_eof`: whether the end of a pipe or file is the command's end of input too."""
        self.is_terminal = terminal.is_terminal(_STDIN)
        self._raw = raw if self.is_terminal else None
        self._passes_eof = passes_eof or self.is_terminal
        self.in_background = False
        """Whether somebody else has the terminal now."""
        self._open = True
        self._on_the_way: deque[Message] = deque()
        self._end_lost = False

    @property
    def readable(self) -> bool:
        """Whether to wait for input now."""
        return self._open and len(self._on_the_way) < _ON_THE_WAY and not self.in_background

    def look(self) -> None:
        """Look whether the terminal is ours: reading it in the background would stop us, log and all."""
        was, self.in_background = self.in_background, self.is_terminal and not terminal.in_foreground()
        if was and not self.in_background:
            self.resume()

    def read(self) -> Message:
        """The params of a `command/input` with what there is, or with its end; {} for neither."""
        try:
            data = os.read(_STDIN, _READ_BYTES)
        except BlockingIOError:
            return {}
        except OSError:
            data = b""  # a terminal that hung up
        if not data:
            self._open = False
            return self._send({"eof": True}) if self._passes_eof else {}
        text = binascii.b2a_base64(data, newline=False).decode()
        return self._send({"data": text, "encoding": "base64"})

    def _send(self, params: Message) -> Message:
        self._on_the_way.append(params)
        return params

    def arrived(self) -> None:
        """The oldest piece on its way was taken."""
        if self._on_the_way:
            self._on_the_way.popleft()

    def stop(self) -> None:
        """Read no more: the command takes none."""
        self._open = False

    def lose(self) -> bool:
        """Forget what was on its way to a server that is gone; whether that was more than the end."""
        lost, self._on_the_way = self._on_the_way, deque()
        self._end_lost = any("eof" in params for params in lost)
        return any("data" in params for params in lost)

    def again(self) -> Message:
        """What can be sent again without harm: the end, if it was lost; else {}."""
        lost, self._end_lost = self._end_lost, False
        return self._send({"eof": True}) if lost else {}

    def __enter__(self) -> Keyboard:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.leave()

    def resume(self) -> None:
        """Make the terminal raw again, after somebody else had it."""
        if self._raw is not None:
            self._raw.enter()
