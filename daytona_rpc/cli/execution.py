"""What `run` asks the server for, from its options."""

from __future__ import annotations

import os
from argparse import Namespace

from daytona_rpc.cli import terminal
from daytona_rpc.cli.client import Message
from daytona_rpc.cli.failure import Failure, Refused, UsageFailure

LOCAL = "local"
_MOST_MS = (1 << 31) - 1


class Execution:
    """A `command/execute`, and a `sessions/create` in case the session has to be made first."""

    def __init__(self, options: Namespace) -> None:
        self.command_id = f"cmd-{os.urandom(6).hex()}"
        self._local = options.sandbox in (None, LOCAL)
        self.session_id: str | None = options.session
        words: list[str] = options.command
        # One word is shell text, several are a program and its arguments: nothing has to be quoted twice.
        self.params: Message = {"command": words[0]} if len(words) == 1 else {"argv": words}
        self.params |= {"runAsync": self.session_id is None or options.detach, "stream": not options.detach}
        self.params["stdin"] = "closed" if options.no_stdin else "open"
        if options.sandbox is not None:
            self.params["sandboxId"] = options.sandbox
        if self.session_id is not None:
            self.params["sessionId"] = self.session_id
        cwd = self._cwd(options.cwd)
        if cwd is not None:
            self.params["cwd"] = cwd
        if options.timeout is not None:
            self.params["timeoutMs"] = _millis(options.timeout)
        env = dict(_variable(text) for text in options.env)
        if options.tty:
            cols, rows = terminal.size()
            self.params["tty"] = {"cols": cols, "rows": rows}
            # The terminal is ours, not the one the session was made on.
            ours = {name: os.environ[name] for name in ("TERM", "COLORTERM") if name in os.environ}
            env = {**ours, **env}
        if env:
            self.params["env"] = env

    def lacks_session(self, error: Refused) -> bool:
        """Whether the command was refused because its session is not there yet."""
        named = error.data.get("sessionId")
        return error.kind == "notFound" and self.session_id is not None and named == self.session_id

    def session_params(self) -> Message:
        """What to make the session with that a command was meant for and that does not exist."""
        params = {name: value for name, value in self.params.items() if name in ("sessionId", "sandboxId")}
        if self._local:
            params["cwd"] = _here()
        return params

    def _cwd(self, option: str | None) -> str | None:
        if self.session_id is not None or not self._local:
            return option  # the session's or the sandbox's own, and relative to it
        cwd = os.path.join(_here(), os.path.expanduser(option or ""))
        if not os.path.isdir(cwd):
            raise Failure(f"{option}: no such directory")
        return os.path.normpath(cwd)


def _here() -> str:
    """Our directory, by the name the user knows it by."""
    try:
        real = os.getcwd()
    except OSError as error:
        raise Failure(f"the current directory: {error.strerror}") from error
    named = os.environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, real):
            return named
    except OSError:
        pass
    return real


def _millis(seconds: float) -> int:
    millis = round(seconds * 1000)
    if not 1 <= millis <= _MOST_MS:
        raise UsageFailure("--timeout: between 0.001 and 2147483 seconds")
    return millis


def _variable(text: str) -> tuple[str, str | None]:
    """NAME=VALUE; NAME alone takes our own value, which then is in no argument list."""
    name, equals, value = text.partition("=")
    if not name:
        raise UsageFailure(f"--env: {text!r} names no variable")
    return name, value if equals else os.environ.get(name)
