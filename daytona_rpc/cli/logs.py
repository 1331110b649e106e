"""`logs` and `attach`: the log of a command that was started before."""

from __future__ import annotations

import signal
from argparse import Namespace

from daytona_rpc.cli import ids, outcome, tail, terminal
from daytona_rpc.cli.client import Client, Message
from daytona_rpc.cli.failure import Failure
from daytona_rpc.cli.follower import Follower
from daytona_rpc.cli.interrupts import Left, die_of
from daytona_rpc.cli.keyboard import Keyboard
from daytona_rpc.cli.output import STDERR, Output
from daytona_rpc.cli.progress import FINAL
from daytona_rpc.cli.views import Json, Plain

_ATTACHED_LINES = 10  # of what was said before, so that one sees what one joins


class OneChannel:
    """A view without the chunks of other channels."""

    def __init__(self, view: Plain | Json, channel: str | None) -> None:
        self._view = view
        self._channel = channel

    def chunk(self, params: Message, data: bytes) -> None:
        """Show it if it is of the channel."""
        if self._channel in (None, params["channel"]):
            self._view.chunk(params, data)

    def news(self, method: str, params: Message) -> None:
        """Show it."""
        self._view.news(method, params)


def logs(options: Namespace) -> int:
    """Write a log, and with `--follow` what comes, until the command's end."""
    with Client(options.server) as client:
        output = Output()
        client.on_message = lambda text: output.line(STDERR, f"daytona-rpc: {text}")
        view = OneChannel(Json(output) if options.json else Plain(output), options.channel)
        status = ids.command(client, options.id)
        start = _start(client, status, options.offset, options.tail, options.channel)
        live = options.follow or status["status"] in FINAL
        until = None if live else status["logSize"]
        follower = Follower(client, output, view, status["commandId"], offset=start, until=until)
        try:
            follower.follow("command/attach", {"offset": start})
        except Left as left:
            return die_of(left.number)
        except BrokenPipeError:
            return die_of(signal.SIGPIPE)
        except OSError as error:
            raise Failure(f"cannot write: {error.strerror}") from error
    return 0


def attach(options: Namespace) -> int:
    """Follow a command and give it our input; Ctrl-C leaves it alone."""
    with Client(options.server) as client:
        output = Output()
        view = Plain(output, quiet=options.quiet)
        status = ids.command(client, options.id)
        lines = options.tail if options.offset is not None or options.tail is not None else _ATTACHED_LINES
        start = _start(client, status, options.offset, lines, None)
        tty = status["tty"] is not None
        keyboard = None
        if not options.no_stdin:
            raw = terminal.RawMode(keep_interrupt=True) if tty else None
            # That our input ends, as under cron, says nothing about a command that was there before.
            keyboard = Keyboard(raw=raw, passes_eof=False)
        follower = Follower(
            client, output, view, status["commandId"], keyboard=keyboard, resizes=tty, offset=start
        )
        follower.when_known(follower.resize)
        client.on_message = follower.note
        try:
            final = follower.follow("command/attach", {"offset": start})
        except Left as left:
            if left.number != signal.SIGINT:
                return 128 + left.number
            again = f"daytona-rpc attach {status['commandId']}"
            output.line(STDERR, f"daytona-rpc: detached; the command goes on, see {again}")
            output.write_all()
            return 0
        except BrokenPipeError:
            return die_of(signal.SIGPIPE)
        except OSError as error:
            raise Failure(f"cannot write: {error.strerror}") from error
        view.end(final)
        if final["status"] == "lost":
            follower.note(final["reason"])
        output.write_all()
        return outcome.exit_code(final)


def _start(
    client: Client, status: Message, offset: int | None, lines: int | None, channel: str | None
) -> int:
    """Where to begin to read the log."""
    if lines is None:
        return offset or 0
    return tail.offset(client, status, lines, channel, least=offset or 0)
