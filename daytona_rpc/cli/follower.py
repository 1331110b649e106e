"""One command, followed to its end: its log to our output, our input to it, signals to whom they concern.

One loop waits for all of it. When the server vanishes, another one is started and the log goes on where it
stopped: the command has noticed nothing.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import nullcontext

from daytona_rpc.cli import terminal
from daytona_rpc.cli.client import Client, Message, result
from daytona_rpc.cli.failure import Failure, Refused, ServerGone
from daytona_rpc.cli.interrupts import Left
from daytona_rpc.cli.keyboard import Keyboard
from daytona_rpc.cli.loop import Loop
from daytona_rpc.cli.output import STDERR, Output
from daytona_rpc.cli.progress import Progress
from daytona_rpc.cli.views import View

_LEAVE_WITHIN_S = 3.0
_FOREGROUND_POLL_S = 0.3  # nobody tells a running job that it has the terminal now


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
        self.progress = Progress(offset=offset, until=until)
        self._resizes = resizes
        self._first: tuple[str, Message] = ("", {})
        self._handlers: dict[int, Callable[[Message], None]] = {}
        self._when_known: list[Callable[[], None]] = []
        self._restarted = False
        self._leaving: BaseException | None = None
        self._leave_at = 0.0
        self._loop = Loop(client, output)

    def follow(self, method: str, params: Message) -> Message:
        """Send the request that begins it, and return the command's final status.

        Raises:
            Refused: the server refused to begin.
            Left: a signal ended it before the command's end.
            OSError: the output cannot be written; `BrokenPipeError` if nobody reads it.
            Failure: the server is gone for good.
        """
        self._first = method, params
        with self._loop, self.keyboard or nullcontext():
            self.begin()
            while not self.progress.over or self.output.bytes:
                try:
                    self._turn()
                except ServerGone as gone:
                    self._reconnect(gone)
        if self._leaving is not None:
            raise self._leaving
        assert self.progress.status is not None
        return self.progress.status

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
        if self.progress.status is None:
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
        keyboard = self.keyboard
        if keyboard is not None:
            keyboard.look()
        reads_input = keyboard is not None and keyboard.readable and self.progress.takes_input
        events = self._loop.wait(
            hears=not self.progress.over, reads_input=reads_input, timeout_s=self._timeout_s()
        )
        if self._leaving is not None and (self.progress.over or time.monotonic() >= self._leave_at):
            raise self._leaving
        for number in events.signals:
            self._on_signal(number)
        if events.unwritable is not None:
            self.unwritable(events.unwritable)
        if events.server_spoke:
            for message in self.client.receive():
                self._on_message(message)
        if events.input_there and keyboard is not None:
            self._send_input(keyboard.read())

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
            self._learn(params, as_news=True)

    def _on_chunk(self, chunk: Message) -> None:
        data, missing = self.progress.take(chunk)
        if missing:
            self.note(f"{missing} bytes of the log are not kept any more")
        if self._leaving is None:
            self.view.chunk(chunk, data)
            if not self.output.full:
                try:
                    self.output.write_some()
                except OSError as error:
                    self.unwritable(error)

    def _on_begun(self, message: Message) -> None:
        self.progress.answered = True
        try:
            self._learn(result(message))
        except Refused as error:
            if not self.refused(error):
                raise

    def _learn(self, status: Message, *, as_news: bool = False) -> None:
        self.progress.learn(status, as_news=as_news)
        actions, self._when_known = self._when_known, []
        for action in actions:
            action()

    def note(self, text: str) -> None:
        """Say something on stderr."""
        self.output.line(STDERR, f"daytona-rpc: {text}")

    # Input and signals

    def _send_input(self, params: Message) -> None:
        if params:
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
        elif self.progress.over or self._leaving is not None:
            raise self._leaving or Left(number)
        else:
            self.interrupted(number)

    def resize(self) -> None:
        """Give the command's terminal the size of ours."""
        cols, rows = terminal.size()
        if self._resizes and self.progress.running:
            self.post("command/resize", {"cols": cols, "rows": rows})

    # A server that vanishes

    def _reconnect(self, gone: ServerGone) -> None:
        if self._leaving is not None:
            raise self._leaving
        if not self.client.server:
            raise gone
        if self._restarted:
            known = self.progress.status is not None
            raise Failure(f"{gone}; see daytona-rpc attach {self.command_id}") if known else gone
        self._restarted = True
        self._handlers.clear()
        if self.keyboard is not None and self.keyboard.lose():  # sent again, it might arrive twice
            self.note(f"{gone}; input that was on its way may be lost")
        self.client.restart()
        self.post("command/attach", {"offset": self.progress.offset}, self._on_attached)

    def _on_attached(self, message: Message) -> None:
        self.progress.answered = True
        try:
            self._learn(result(message))
        except Refused as error:
            if error.kind != "notFound":
                raise
            self.begin()  # the server vanished before it took the command
        else:
            if self.keyboard is not None:
                self._send_input(self.keyboard.again())
            self.reattached()
