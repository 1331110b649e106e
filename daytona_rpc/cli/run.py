"""`run`: one command in the foreground, as if the shell had started it itself."""

from __future__ import annotations

import signal
from argparse import Namespace

from daytona_rpc.cli import outcome, terminal
from daytona_rpc.cli.client import Client, Message, result
from daytona_rpc.cli.execution import Execution
from daytona_rpc.cli.failure import Failure, Refused
from daytona_rpc.cli.follower import Follower
from daytona_rpc.cli.interrupts import Left, die_of
from daytona_rpc.cli.keyboard import Keyboard
from daytona_rpc.cli.output import STDOUT, Output
from daytona_rpc.cli.views import Json, Plain

_GRACE_MS = 5000
_UNREAD_GRACE_MS = 1000


def run(options: Namespace) -> int:
    """Run `options.command` and return its exit code."""
    execution = Execution(options)
    with Client(options.server) as client:
        output = Output()
        view: Plain | Json = Json(output) if options.json else Plain(output, quiet=options.quiet)
        try:
            if options.detach:
                return _detach(client, output, view, execution)
            keyboard = None
            if not options.no_stdin:
                keyboard = Keyboard(raw=terminal.RawMode() if options.tty else None)
            command = Foreground(client, output, view, execution, keyboard=keyboard)
            try:
                status = command.follow("command/execute", execution.params)
            except Left as left:
                return 128 + left.number
            code = outcome.exit_code(status)
            if code == outcome.OURS and command.asked_to_end:
                code = 128 + command.asked_to_end
            view.end(status)
            if status["status"] in ("failed", "lost"):
                command.note(status["reason"])
            output.write_all()
            return code
        except Refused as error:
            raise _explained(error, client, view, output, execution.command_id) from None
        except BrokenPipeError:
            return die_of(signal.SIGPIPE)
        except OSError as error:
            raise Failure(f"cannot write: {error.strerror}") from error


class Foreground(Follower):
    """A command that is ours: our interrupts are meant for it, and it ends when nobody reads it."""

    def __init__(
        self,
        client: Client,
        output: Output,
        view: Plain | Json,
        execution: Execution,
        *,
        keyboard: Keyboard | None,
    ) -> None:
        tty = "tty" in execution.params
        super().__init__(client, output, view, execution.command_id, keyboard=keyboard, resizes=tty)
        self.asked_to_end: int = 0
        """The last signal that asked us to end."""
        self._execution = execution
        self._making_session = False
        self._interrupted = 0
        self._stopping = False
        client.on_message = self.note

    def refused(self, error: Refused) -> bool:
        """A session that is not there yet is made."""
        if self._making_session or not self._execution.lacks_session(error):
            return False
        self._making_session = True
        self.post("sessions/create", self._execution.session_params(), self._on_session)
        return True

    def _on_session(self, message: Message) -> None:
        try:
            result(message)
        except Refused as error:
            if error.kind != "conflict":  # somebody else has just made it
                raise
        self.begin()

    def interrupted(self, number: signal.Signals) -> None:
        """Pass it on, as the terminal would have; who insists has the command stopped, then leaves it."""
        self.asked_to_end = number
        if number == signal.SIGHUP:
            self.leave(Left(number), "command/signal", {"signal": number.name})
        elif number == signal.SIGQUIT:
            self.when_known(lambda: self.post("command/signal", {"signal": number.name}))
        elif number == signal.SIGTERM and not self._stopping:
            self._stop()
        elif number == signal.SIGTERM or self._interrupted == 2:
            raise Left(number)
        else:
            self._interrupted += 1
            if self._interrupted == 1:
                self.when_known(self._interrupt)
            elif not self._stopping:
                self.note(f"stopping the command; it is killed in {_GRACE_MS // 1000} s")
                self._stop()

    def _interrupt(self) -> None:
        def answered(message: Message) -> None:
            if "error" in message and not self._stopping:
                self._stop()  # it waits for its turn, where it cannot get signals

        self.post("command/signal", {"signal": "SIGINT"}, answered)

    def _stop(self) -> None:
        self._stopping = True
        self.when_known(lambda: self.post("command/stop", {"graceMs": _GRACE_MS}))

    def reattached(self) -> None:
        """What has been asked for is asked for again."""
        if self._stopping:
            self._stop()

    def unwritable(self, error: OSError) -> None:
        """Stop the command, as a closed pipe would have."""
        self.leave(error, "command/stop", {"graceMs": _UNREAD_GRACE_MS})


def _detach(client: Client, output: Output, view: Plain | Json, execution: Execution) -> int:
    """Start the command, say its id and leave it alone."""
    try:
        status = client.request("command/execute", execution.params)
    except Refused as error:
        if not execution.lacks_session(error):
            raise
        client.request("sessions/create", execution.session_params())
        status = client.request("command/execute", execution.params)
    if isinstance(view, Json):
        view.news("command/statusChanged", status)
    else:
        output.put(STDOUT, f"{status['commandId']}\n".encode())
    output.write_all()
    return 0


def _explained(
    error: Refused, client: Client, view: Plain | Json, output: Output, command_id: str
) -> Refused:
    """The error with the exit code that a shell would have."""
    view.failed(error)
    output.write_all()
    if error.kind == "commandExecutionError":
        try:
            cwd = client.request("command/status", {"commandId": command_id})["cwd"]
        except Refused:
            return error
        error.exit_code = outcome.start_failure(str(error), cwd)
    return error
