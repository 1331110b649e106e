"""One command, followed to its end: its log to our output, our input to it, signals to whom they concern.

One loop waits for all of it. When the server vanishes, another one is started and the log goes on where it
stopped: the command has noticed nothing.
"""

from __future__ import annotations

import binascii
import select
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

from daytona_rpc.cli import terminal
from daytona_rpc.cli.client import Client, Message, result
from daytona_rpc.cli.failure import Failure, Refused, ServerGone
from daytona_rpc.cli.interrupts import Interrupts
from daytona_rpc.cli.keyboard import Keyboard
from daytona_rpc.cli.output import STDERR, Output

FINAL = frozenset({"completed", "stopped", "failed", "lost"})
_LEAVE_WITHIN_S = 3.0
_FOREGROUND_POLL_S = 0.3  # nobody tells a running job that it has the terminal now


class View(Protocol):
    """How what comes is shown."""

    def chunk(self, params: Message, data: bytes) -> None:
        """Show a chunk of the log, whose bytes are `data`."""

    def news(self, method: str, params: Message) -> None:
        """Show any other notification about the command."""


class Left(Exception):
    """We go before the command's end, because of a signal."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


class Follower:
    """Follows one command. What an interrupt or a closed output means is up to subclasses."""

    def __init__(
        self,
        client: Client,
        output: Output,
        view: View,
        command_id: str,
        *,
        keyboard: Keyboard | None = None,
        resizes: bool = False,
        offset: int = 0,
        until: int | None = None,
    ) -> None:
        """Follow it from `offset` to its end, or to `until`; `resizes`: our terminal's size is its own."""
        self.client = client
        self.output = output
        self.view = view
        self.command_id = command_id
        self.keyboard = keyboard
        self.offset = offset
        """Where the log goes on."""
        self.status: Message | None = None
        """The newest status, None until the server has confirmed the command."""
        self._resizes = resizes
        self._until = until
        self._over = False
        self._begun = False  # the first request is answered
        self._ended = False  # the final status has come
        self._first: tuple[str, Message] = ("", {})
        self._handlers: dict[int, Callable[[Message], None]] = {}
        self._when_known: list[Callable[[], None]] = []
        self._restarted = False
        self._eof_again = False
        self._leaving: BaseException | None = None
        self._leave_at = 0.0
        self._interrupts = Interrupts()

    def follow(self, method: str, params: Message) -> Message:
        """Send the request that begins it, and return the command's final status.

        Raises:
            Refused: the server refused to begin.
            Left: a signal ended it before the command's end.
            OSError: the output cannot be written; `BrokenPipeError` if nobody reads it.
            Failure: the server is gone for good.
        """
        self._first = method, params
        with self._interrupts, self.keyboard or nullcontext():
            self.begin()
            while not self._over or self.output.bytes:
                try:
                    self._turn()
                except ServerGone as gone:
                    self._reconnect(gone)
        if self._leaving is not None:
            raise self._leaving
        assert self.status is not None
        return self.status

    def begin(self) -> None:
        """Send the first request; again, if what it needed had to be made first."""
        method, params = self._first
        self.post(method, params, self._on_begun)

    def post(self, method: str, params: Message, handler: Callable[[Message], None] | None = None) -> None:
        """Send a request about the command; an answer nobody handles is dropped."""
        number = self.client.post(method, {"commandId": self.command_id, **params})
        if handler is not None:
            self._handlers[number] = handler

    def when_known(self, action: Callable[[], None]) -> None:
        """Do it now, or as soon as the server knows the command."""
        if self.status is None:
            self._when_known.append(action)
        else:
            action()

    def leave(self, why: BaseException, method: str, params: Message) -> None:
        """Send a last request and raise `why` when it is answered, or after a few seconds."""

        def go(message: Message) -> None:
            raise why

        if self._leaving is None:
            self._leaving = why
            self._leave_at = time.monotonic() + _LEAVE_WITHIN_S
            self.output.discard()
            if self.keyboard is not None:
                self.keyboard.stop()
            self.when_known(lambda: self.post(method, params, go))

    # What subclasses decide

    def refused(self, error: Refused) -> bool:
        """The first request was refused. True if it is sent again, once something else is done."""
        return False

    def interrupted(self, number: signal.Signals) -> None:
        """A signal that asks us to end has come."""
        raise Left(number)

    def unwritable(self, error: OSError) -> None:
        """The output cannot be written."""
        raise error

    def reattached(self) -> None:
        """Another server has taken over; what the first one was asked may be lost."""

    # The loop

    def _turn(self) -> None:
        """Wait, and do what is due."""
        reads, writes = [self._interrupts.fd], []
        keyboard = self.keyboard
        if keyboard is not None:
            keyboard.look()
        if not self._over:
            if not self.output.full:
                reads += [self.client.process.output, self.client.process.errors]
            if keyboard is not None and self._takes_input() and keyboard.readable:
                reads.append(0)
            if self.client.unsent:
                writes.append(self.client.process.input)
        if self.output.bytes:
            writes.append(self.output.fd)
        readable, writable, _ = select.select(reads, writes, [], self._timeout_s())
        if self._leaving is not None and (self._over or time.monotonic() >= self._leave_at):
            raise self._leaving
        if self._interrupts.fd in readable:
            for number in self._interrupts.read():
                self._on_signal(number)
        if self.client.process.input in writable:
            self.client.flush()
        if self.output.fd in writable:
            try:
                self.output.write_some()
            except OSError as error:
                self.unwritable(error)
        if self.client.process.errors in readable:
            self.client.process.read_errors()
        if self.client.process.output in readable:
            for message in self.client.receive():
                self._on_message(message)
        if keyboard is not None and 0 in readable:
            self._on_input(keyboard)

    def _timeout_s(self) -> float | None:
        """How long to wait for something to happen."""
        if self._leaving is not None:
            return max(0.0, self._leave_at - time.monotonic())
        if self.keyboard is not None and self.keyboard.in_background:
            return _FOREGROUND_POLL_S
        return None

    def _on_message(self, message: Message) -> None:
        if "method" not in message:
            handler = self._handlers.pop(message["id"], None)
            if handler is not None:
                handler(message)
            return
        params = message["params"]
        if params.get("commandId") != self.command_id:
            return
        if message["method"] == "command/output":
            self._on_chunk(params)
            return
        if self._leaving is None:
            self.view.news(message["method"], params)
        if message["method"] == "command/statusChanged":
            self._learn(params)
            self._ended = self._ended or params["status"] in FINAL
            self._settle()

    def _on_chunk(self, params: Message) -> None:
        text: str = params["data"]
        data = text.encode() if params["encoding"] == "utf8" else binascii.a2b_base64(text)
        if params["offset"] > self.offset:
            self.note(f"{params['offset'] - self.offset} bytes of the log are not kept any more")
        self.offset = params["offset"] + len(data)
        self._settle()
        if self._leaving is None:
            self.view.chunk(params, data)
            if self.output.bytes and not self.output.full:
                try:
                    self.output.write_some()
                except OSError as error:
                    self.unwritable(error)

    def _on_begun(self, message: Message) -> None:
        self._begun = True
        try:
            self._learn(result(message))
        except Refused as error:
            if not self.refused(error):
                raise
        self._settle()

    def _settle(self) -> None:
        """See whether this was all."""
        if self._until is not None and self._begun and self.offset >= self._until:
            self._over = True
        if self._ended and self.status is not None:
            # Of a command that could not be started, the answer that is still to come says why.
            self._over = self._begun or self.status["startedAt"] is not None

    def _learn(self, status: Message) -> None:
        if self.status is None or self.status["status"] not in FINAL:  # an answer may come after the end
            self.status = status
        actions, self._when_known = self._when_known, []
        for action in actions:
            action()

    def note(self, text: str) -> None:
        """Say something on stderr."""
        self.output.line(STDERR, f"daytona-rpc: {text}")

    # Input and signals

    def _takes_input(self) -> bool:
        status = self.status
        return status is not None and status["status"] == "running" and status["stdin"] == "open"

    def _on_input(self, keyboard: Keyboard) -> None:
        self._send_input(keyboard, *keyboard.read())

    def _send_input(self, keyboard: Keyboard, data: bytes, eof: bool) -> None:
        params: dict[str, Any] = {}
        if data:
            params = {"data": binascii.b2a_base64(data, newline=False).decode(), "encoding": "base64"}
        if eof:
            params["eof"] = True
        if params:
            keyboard.sent(data, eof)
            self.post("command/input", params, self._on_input_taken)

    def _on_input_taken(self, message: Message) -> None:
        if self.keyboard is not None:
            self.keyboard.arrived()
            if "error" in message:
                self.keyboard.stop()

    def _on_signal(self, number: signal.Signals) -> None:
        if number in (signal.SIGWINCH, signal.SIGCONT):
            if self.keyboard is not None and number == signal.SIGCONT:
                self.keyboard.resume()
            self.resize()
        elif self._over or self._leaving is not None:
            raise self._leaving or Left(number)
        else:
            self.interrupted(number)

    def resize(self) -> None:
        """Give the command's terminal the size of ours."""
        cols, rows = terminal.size()
        if self._resizes and self.status is not None and self.status["status"] == "running":
            self.post("command/resize", {"cols": cols, "rows": rows})

    # A server that vanishes

    def _reconnect(self, gone: ServerGone) -> None:
        if self._leaving is not None:
            raise self._leaving
        if not self.client.server:
            raise gone
        if self._restarted:
            known = self.status is not None
            raise Failure(f"{gone}; see daytona-rpc attach {self.command_id}") if known else gone
        self._restarted = True
        self._handlers.clear()
        if self.keyboard is not None:
            data, self._eof_again = self.keyboard.lost()
            if data:  # sent again, it might arrive twice
                self.note(f"{gone}; input that was on its way may be lost")
        self.client.restart()
        self.post("command/attach", {"offset": self.offset}, self._on_attached)

    def _on_attached(self, message: Message) -> None:
        self._begun = True
        try:
            self._learn(result(message))
        except Refused as error:
            if error.kind != "notFound":
                raise
            self.begin()  # the server vanished before it took the command
        else:
            if self._eof_again and self.keyboard is not None:
                self._send_input(self.keyboard, b"", True)
            self.reattached()
