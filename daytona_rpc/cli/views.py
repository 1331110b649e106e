"""The ways to show a command's log."""

from __future__ import annotations

from typing import Any, Protocol

from daytona_rpc.cli import outcome, style
from daytona_rpc.cli.client import Message
from daytona_rpc.cli.failure import Refused
from daytona_rpc.cli.output import STDERR, STDOUT, Output
from daytona_rpc.cli.terminal import is_terminal, size


class View(Protocol):
    """How what comes is shown."""

    def chunk(self, params: Message, data: bytes) -> None:
        """Show a chunk of the log, whose bytes are `data`."""

    def news(self, method: str, params: Message) -> None:
        """Show any other notification about the command."""


class Plain:
    """The bytes, as if the command wrote them here; and a line about its end for who sits before it."""

    def __init__(self, output: Output, *, quiet: bool = False) -> None:
        self._output = output
        self._quiet = quiet or not is_terminal(STDERR)

    def chunk(self, params: Message, data: bytes) -> None:
        """Write the bytes where the command wrote them; a terminal's go to stdout."""
        self._output.put(STDERR if params["channel"] == "stderr" else STDOUT, data)

    def news(self, method: str, params: Message) -> None:
        """The status is shown at the end."""

    def failed(self, error: Refused) -> None:
        """The line on stderr says it."""

    def end(self, status: Message) -> None:
        """Say what ran where, for how long, and how it ended."""
        if self._quiet:
            return
        where = style.short_path(status["cwd"])
        if status["sandboxId"] != "local":
            where = f"{status['sandboxId']}:{where}"
        took = outcome.duration(status["durationMs"])
        tail = " · ".join(filter(None, (where, took)))
        end = outcome.outcome(status)
        room = size()[0] - style.width(tail) - style.width(end) - 7
        what = style.fit(style.one_line(status["command"]), max(room, 10))
        colour = style.GREEN if outcome.is_good(status) else style.RED
        dim = style.paint(f"{what} · {tail} · ", style.DIM, STDERR)
        self._output.line(STDERR, dim + style.paint(end, colour, STDERR))


class Json:
    """Each notification as an object on a line: its params, and its method as `event`."""

    def __init__(self, output: Output) -> None:
        import orjson

        self._dumps = orjson.dumps
        self._output = output

    def chunk(self, params: Message, data: bytes) -> None:
        """Write a chunk as it came."""
        self.news("command/output", params)

    def news(self, method: str, params: Message) -> None:
        """Write a notification as it came; the final status is the last."""
        self._write(method, params)

    def failed(self, error: Refused) -> None:
        """Write what the server answered instead of beginning."""
        self._write("error", error.error)

    def end(self, status: Message) -> None:
        """The final status has been written as it came."""

    def _write(self, event: str, params: dict[str, Any]) -> None:
        self._output.put(STDOUT, self._dumps({"event": event, **params}) + b"\n")
