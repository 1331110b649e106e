"""The one place where everything is waited for: the server, our input, signals, and room for our output."""

from __future__ import annotations

import select
import signal
from typing import NamedTuple

from daytona_rpc.cli.client import Client
from daytona_rpc.cli.interrupts import Interrupts
from daytona_rpc.cli.output import Output

_STDIN = 0


class Events(NamedTuple):
    """What there is to do."""

    signals: list[signal.Signals]
    """The signals that came, in order."""
    server_spoke: bool
    """Whether the server has said something, or is gone."""
    input_there: bool
    """Whether there is input to read, or its end."""
    unwritable: OSError | None
    """Why the output cannot be written."""


class Loop:
    """Waits, once a turn; sends to the server and writes the output by itself. Signals wait for it too."""

    def __init__(self, client: Client, output: Output) -> None:
        self._client = client
        self._output = output
        self._interrupts = Interrupts()

    def wait(self, *, hears: bool, reads_input: bool, timeout_s: float | None) -> Events:
        """Wait until something is there, or the time is over.

        Args:
            hears: whether to take what the server says; while too much output is unwritten, it has to wait.
            reads_input: whether to look for input.
        """
        process, output = self._client.process, self._output
        reads, writes = [self._interrupts.fd], []
        if hears:
            if not output.full:
                reads += [process.output, process.errors]
            if self._client.unsent:
                writes.append(process.input)
        if reads_input:
            reads.append(_STDIN)
        if output.bytes:
            writes.append(output.fd)
        readable, writable, _ = select.select(reads, writes, [], timeout_s)
        signals = self._interrupts.read() if self._interrupts.fd in readable else []
        if process.input in writable:
            self._client.flush()
        if process.errors in readable:
            process.read_errors()
        unwritable = self._write() if output.fd in writable else None
        return Events(signals, process.output in readable, _STDIN in readable, unwritable)

    def _write(self) -> OSError | None:
        try:
            self._output.write_some()
        except OSError as error:
            return error
        return None

    def __enter__(self) -> Loop:
        self._interrupts.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._interrupts.__exit__()
