"""One session: its commands, their order, and the state that carries over between them.

Synchronous commands run one after the other, each from the state the one before it left. Asynchronous
ones start at once from the state of that moment and leave no trace in it.
"""

from __future__ import annotations

import os
import time
from typing import Callable

from . import records, recovery, shell, tree
from .command import Command
from .loop import Loop
from .pipes import Sink
from .records import Record

_DELETE_GRACE_S = 2.0
_SAVE_AGAIN_S = 1.0


class Refused(Exception):
    """A request the session cannot do; `kind` is one of the error kinds of the wire."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Session:
    """Owns the commands of one session directory."""

    def __init__(self, loop: Loop, directory: str, record: Record, cap: int) -> None:
        self.directory = directory
        self.record = record
        self._loop = loop
        self._cap = cap
        self._state = shell.State.load(os.path.join(directory, "state"))
        self._commands: dict[str, Command] = {}  # those not final, and those whose end is not on disk yet
        self._queue: list[Command] = []
        self._current: Command | None = None
        self._saves: dict[str, str] = {}  # command id -> where its shell writes the state it leaves
        self.on_status: Callable[[Record], None] = lambda status: None
        self.on_output: Callable[[Command], None] = lambda command: None
        self.on_ready: Callable[[Command], None] = lambda command: None
        self.on_changed: Callable[[], None] = lambda: None

    @property
    def idle(self) -> bool:
        """Nothing runs, nothing waits to be written, and no child left behind writes to us."""
        return not self._commands and not Sink.alive

    def active(self) -> list[Command]:
        return list(self._commands.values())

    def find(self, command_id: str) -> Command | None:
        return self._commands.get(command_id)

    def status(self, command_id: str) -> Record:
        command = self._commands.get(command_id)
        found = command.status() if command else records.read_command(self.directory, command_id)
        if found is None:
            raise Refused("notFound", f"no command {command_id} in this session")
        return found

    def execute(self, spec: Record) -> Record:
        """Start a command, or put it in the queue; the same id and text again gives the same command."""
        known = self._commands.get(spec["commandId"])
        found = known.status() if known else records.read_command(self.directory, spec["commandId"])
        if found is not None:
            if (found["command"], found["argv"]) != (spec["command"], spec["argv"]):
                raise Refused("conflict", f"command {spec['commandId']} exists with another text")
            return found
        command = Command(self._loop, self.directory, self._new_record(spec), self._cap, self._on_command)
        command.spec = spec
        command.on_output = self.on_output
        command.on_ready = self.on_ready
        self._commands[command.id] = command
        if spec["runAsync"]:
            self._start(command)
        else:
            self._queue.append(command)
            if self._current is None:
                self._next()
            else:
                self._on_command(command)
        return command.status()

    def stop(self, command_id: str, grace_s: float, done: Callable[[Record], None]) -> None:
        command = self._commands.get(command_id)
        if command is None or command.final:
            status = self.status(command_id)
            if status["status"] != "lost":
                raise Refused("alreadyFinished", f"command {command_id} has ended ({status['status']})")
            marks = tree.marks(self.directory, command_id)
            tree.Ending(self._loop, lambda: tree.members(None, marks), grace_s, lambda: done(status))
            return
        if command in self._queue:
            self._queue.remove(command)
        command.stop("stop", grace_s, lambda: done(command.status()))

    def running(self, command_id: str) -> Command:
        """The command, if it runs."""
        command = self._commands.get(command_id)
        if command is None or command.final:
            self.status(command_id)
            raise Refused("alreadyFinished", f"command {command_id} has ended")
        if command.record["status"] == "queued":
            raise Refused("unsupported", f"command {command_id} waits for its turn and has not started")
        return command

    def delete(self, done: Callable[[int], None]) -> None:
        """Stop all commands and what they left behind; `done` gets how many were stopped."""
        going = [command for command in self._commands.values() if not command.final]
        left = len(going) + 1
        stopped = len(going)
        self._queue.clear()

        def one_less() -> None:
            nonlocal left
            left -= 1
            if left == 1:
                # Also what outlived its command: deleting a session leaves none of its processes.
                marks = tree.marks(self.directory)
                tree.Ending(self._loop, lambda: tree.members(None, marks), _DELETE_GRACE_S, one_less)
            elif left == 0:
                done(stopped)

        if not going:
            left += 1
            one_less()
        for command in going:
            command.stop("stop", _DELETE_GRACE_S, one_less)

    def expire(self, retention_s: float) -> bool:
        """Remove what has been finished for longer than the retention.

        True where that is all there was, of a session made for its command alone.
        """
        left = recovery.expire(self.directory, retention_s, time.time())
        return bool(left == 0 and self.idle and recovery.is_over(self.record, retention_s, time.time()))

    def _new_record(self, spec: Record) -> Record:
        cwd = spec["cwd"]
        return {
            "commandId": spec["commandId"],
            "sessionId": self.record["sessionId"],
            "sandboxId": self.record["sandboxId"],
            "command": spec["command"],
            "argv": spec["argv"],
            "status": "queued",
            "exitCode": None,
            "signal": None,
            "reason": None,
            "createdAt": records.timestamp(time.time()),
            "startedAt": None,
            "endedAt": None,
            "durationMs": None,
            "cwd": records.text(os.path.normpath(os.path.join(self._state.cwd, cwd or ""))),
            "runAsync": spec["runAsync"],
            "logSize": 0,
            "truncatedBefore": 0,
            "tty": spec["tty"],
            "stdin": spec["stdin"],
            "ready": None,
        }

    def _next(self) -> None:
        while self._queue and self._current is None:
            command = self._current = self._queue.pop(0)
            self._start(command)

    def _start(self, command: Command) -> None:
        spec, state = command.spec, self._state
        cwd = None if spec["cwd"] is None else os.path.normpath(os.path.join(state.cwd, spec["cwd"]))
        command.record["cwd"] = records.text(cwd or state.cwd)
        overrides = dict(spec["env"] or {})
        if spec["tty"] and overrides.get("TERM", state.env.get("TERM", "dumb")) == "dumb":
            overrides["TERM"] = "xterm-256color"
        try:
            if spec["argv"] is not None:
                argv, env, cwd = shell.launch_argv(spec["argv"], state, cwd=cwd, env=overrides)
            else:
                save = None
                if not spec["runAsync"]:
                    save = self._saves[command.id] = os.path.join(
                        self.directory, "state", "new-" + command.id
                    )
                argv, env, cwd = shell.launch(
                    self.record["shell"], spec["command"], state, save=save, cwd=cwd, env=overrides
                )
        except OSError as error:
            command.fail(f"{error.filename}: {error.strerror}")
            return
        except ValueError as error:
            command.fail(str(error))
            return
        env[tree.SESSION_MARK] = self.directory
        env["DAYTONA_RPC_SESSION_ID"] = self.record["sessionId"]
        env[tree.COMMAND_MARK] = command.id
        command.start(argv, env, cwd)

    def _on_command(self, command: Command) -> None:
        """A command's status changed: keep it, tell it, and let the next one have its turn."""
        if command.final:
            self._commit(command)
            self._keep_final(command)
        else:
            try:
                records.write_active(self.directory, command.record)
            except OSError:
                pass  # a full disk stops no command; the host knows it as long as it lives
        self.on_status(command.status())
        if command is self._current and command.final:
            self._current = None
            self._next()

    def _keep_final(self, command: Command) -> None:
        try:
            records.write_final(self.directory, command.status())
            self._commands.pop(command.id, None)
        except OSError:
            self._loop.call_later(_SAVE_AGAIN_S, lambda: self._keep_final(command))

    def _commit(self, command: Command) -> None:
        save = self._saves.pop(command.id, None)
        if save is None:
            return
        before = self._state.cwd
        if self._state.commit(save) and self._state.cwd != before:
            self.record["cwd"] = records.text(self._state.cwd)
            try:
                records.write_session(self.directory, self.record)
            except OSError:
                pass
            self.on_changed()
