"""Our standard input on its way to a command: what may be read now, and when it ends."""

from __future__ import annotations

import os

from daytona_rpc.cli import terminal

_STDIN = 0
_READ_BYTES = 1 << 16
_ON_THE_WAY = 4  # pieces the server has not taken yet


def exists() -> bool:
    """Whether there is a standard input at all."""
    try:
        os.fstat(_STDIN)
    except OSError:
        return False
    return True


class Keyboard:
    """Standard input, read no faster than the command's end of it is taken.

    A terminal gives its lines, or each key in raw mode; a pipe or file what is in it.
    """

    def __init__(self, *, raw: terminal.RawMode | None = None, passes_eof: bool = True) -> None:
        """`passes_eof`: whether the end of a pipe or file is the command's end of input too."""
        self.is_terminal = terminal.is_terminal(_STDIN)
        self._raw = raw if self.is_terminal else None
        self._passes_eof = passes_eof or self.is_terminal
        self._open = exists()
        self._on_the_way = 0

    @property
    def readable(self) -> bool:
        """Whether to wait for input now."""
        if not (self._open and self._on_the_way < _ON_THE_WAY):
            return False
        # Reading a terminal from the background would stop us, and with us the log.
        return not self.is_terminal or terminal.in_foreground()

    @property
    def taken(self) -> bool:
        """Whether the server has taken all that was read."""
        return self._on_the_way == 0

    def read(self) -> tuple[bytes, bool]:
        """What there is, and whether to tell the command that this was the end."""
        try:
            data = os.read(_STDIN, _READ_BYTES)
        except BlockingIOError:
            return b"", False
        except OSError:
            data = b""  # a terminal that hung up
        if not data:
            self._open = False
        return data, not data and self._passes_eof

    def sent(self) -> None:
        """A piece is on its way."""
        self._on_the_way += 1

    def arrived(self) -> None:
        """A piece was taken."""
        self._on_the_way -= 1

    def stop(self) -> None:
        """Read no more: the command takes none."""
        self._open = False

    def lost(self) -> bool:
        """Forget what was on its way to a server that is gone; whether there was something."""
        was, self._on_the_way = self._on_the_way, 0
        return was > 0

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
