"""One command of a session: from its start to its last byte."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Callable

from . import log, process, records, tree
from .loop import Loop, Timer
from .pipes import Input, Sink
from .ready import Readiness
from .records import Record

# One buffer for all that is read, used up within the callback: an object of this size for each read
# would be mapped into memory and out again every time.
_BUFFER = memoryview(bytearray(256 << 10))
_DRAIN_S = 0.1  # how long a command's output is awaited after its main process has ended
_END_WITHIN_S = 2.0  # for the news that a process is over that nobody finds any more
_TIMEOUT_GRACE_S = 5.0


class Command:
    """A command and all that belongs to it: process, log, input, time limit, readiness.

    `record` is its status in the words of the wire; it changes only through `_set`.
    """

    def __init__(
        self, loop: Loop, directory: str, record: Record, cap: int, changed: Callable[[Command], None]
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._changed = changed
        self.id: str = record["commandId"]
        self.record = record
        self.on_output: Callable[[Command], None] = lambda command: None
        self.on_ready: Callable[[Command], None] = lambda command: None
        self.spec: Record = {}
        self.found: Record | None = None
        """What made it ready, as `command/ready` tells it."""
        self.log = log.LogWriter(os.path.join(directory, "commands", self.id), cap)
        self._process: process.Process | None = None
        self._held: dict[int, bytes] = {}  # by channel: the beginning of a character
        self._started = 0.0
        self._exit: tuple[float, int] | None = None  # when, and the wait status
        self._drain: Timer | None = None
        self._limit: Timer | None = None
        self._input: Input | None = None
        self._ending: tree.Ending | None = None
        self._reached = False  # whether a stop has ended all there was to end
        self._end_waiters: list[Callable[[], None]] = []
        self._cause: str | None = None
        self._sent_signal = 0
        self._readiness: Readiness | None = None

    @property
    def final(self) -> bool:
        return self.record["status"] in records.FINAL

    def status(self) -> Record:
        """The status as of now."""
        self.record["logSize"] = self.log.size
        self.record["truncatedBefore"] = self.log.base
        return self.record

    def start(self, argv: list[str], env: dict[str, str], cwd: str) -> None:
        """Start it; where that fails, the command is `failed` and says why."""
        tty = self.record["tty"]
        size = (tty["cols"], tty["rows"]) if tty else None
        try:
            started = process.start(argv, env, cwd, tty=size, stdin=self.record["stdin"] == "open")
        except OSError as error:
            self.fail(f"{error.filename or argv[0]}: {error.strerror}")
            return
        self._process = started
        if started.stdin >= 0:
            self._input = Input(self._loop, started.stdin, terminal=bool(tty))
        self._started = time.monotonic()
        self.record["startedAt"] = records.timestamp(time.time())
        self._loop.watch_child(started.pid, self._on_exit)
        for fd, channel in started.outputs.items():
            self._loop.add_reader(fd, partial(self._on_readable, fd, channel))
        if self.spec.get("timeoutMs") is not None:
            self._limit = self._loop.call_later(self.spec["timeoutMs"] / 1000, self._out_of_time)
        self._watch_readiness()
        self._set("running")

    def fail(self, reason: str) -> None:
        """It never started."""
        self._finish("failed", reason)

    def _set(self, status: str, reason: str | None = None) -> None:
        self.record["status"] = status
        self.record["reason"] = reason
        self._changed(self)

    # Output

    def _on_readable(self, fd: int, channel: int) -> None:
        if not self._read(fd, channel) and self._exit is not None:
            self._settle()

    def _read(self, fd: int, channel: int) -> bool:
        """Take what is there, once; False when nothing is there, or the end."""
        assert self._process is not None
        try:
            data = _BUFFER[: os.readv(fd, (_BUFFER,))]
        except BlockingIOError:
            return False
        except OSError:
            data = _BUFFER[:0]  # a terminal that nobody holds open any more
        if not data:
            del self._process.outputs[fd]
            self._loop.remove_reader(fd)
            if self._input is not None and fd == self._process.stdin:
                self._input.close()  # a terminal has one descriptor for both
            os.close(fd)
            return False
        if self._readiness is not None:
            self._readiness.feed(channel, bytes(data))
        # Characters are kept whole in the log, so that no reader ever has to wait for half of one.
        held = self._held.pop(channel, None)
        if held:
            data = memoryview(b"".join((held, data)))
        back = log.held_back(data)
        if back:
            self._held[channel] = bytes(data[-back:])
            data = data[:-back]
        if data:
            self.log.append(channel, data, int(time.time() * 1000))
            self.on_output(self)
        return True

    def _flush_held(self) -> None:
        for channel in list(self._held):
            self.log.append(channel, self._held.pop(channel), int(time.time() * 1000))
            self.on_output(self)

    # The end

    def _on_exit(self, status: int) -> None:
        self._exit = time.monotonic(), status
        self._read_rest()
        if self._reached:
            self._serve_end_waiters()
            return
        if self._process is not None and self._process.outputs:
            # Somebody holds the output open: a child left behind, or one about to end.
            self._drain = self._loop.call_later(_DRAIN_S, self._drained)
        else:
            self._settle()

    def _read_rest(self) -> None:
        """Read what has been written so far; a child that floods on cannot hold the command."""
        assert self._process is not None
        for fd, channel in list(self._process.outputs.items()):
            for _ in range(4 + process.PIPE_BYTES // 4096):
                if not self._read(fd, channel):
                    break

    def _drained(self) -> None:
        assert self._process is not None
        self._read_rest()
        self._linger()
        self._settle()

    def _linger(self) -> None:
        """Read on, and forget, what children left behind write: a closed pipe would kill them."""
        assert self._process is not None
        outputs = self._process.outputs
        for fd in list(outputs):
            del outputs[fd]
            Sink(self._loop, fd)

    def _settle(self) -> None:
        """Finish once the process has ended, its output too, and a stop has reached everything."""
        if self.final or self._exit is None or self._process is None:
            return
        if self._process.outputs or (self._ending is not None and self._end_waiters):
            return
        self._flush_held()
        code, died_of = process.outcome(self._exit[1])
        self.record["exitCode"] = code
        self.record["signal"] = died_of
        if self._cause is not None:
            self._finish("stopped", self._cause)
        elif self._sent_signal and (
            died_of == process.signal_name(self._sent_signal) or code == 128 + self._sent_signal
        ):
            self._finish("stopped", "signal")
        else:
            self._finish("completed", None)

    def _finish(self, status: str, reason: str | None) -> None:
        for timer in (self._drain, self._limit):
            if timer is not None:
                timer.cancel()
        if self._readiness is not None:
            self._readiness.cancel()
            self._readiness = None
            self.record["ready"] = None
        if self._input is not None:
            self._input.close()
        self.log.close()
        self.record["endedAt"] = records.timestamp(time.time())
        if self._exit is not None:
            self.record["durationMs"] = round((self._exit[0] - self._started) * 1000)
        if self.log.problem is not None:
            reason = "; ".join(filter(None, (reason, f"{records.LOG_INCOMPLETE}: {self.log.problem}")))
        self._set(status, reason)

    # Input and signals

    def write(self, data: bytes, done: Callable[[], None]) -> None:
        """Give it input; `done` is called once there is room for more."""
        assert self._input is not None
        self._input.write(data, done)

    def end_input(self) -> None:
        """Let it read the end of file after what was written."""
        assert self._input is not None
        if not self.record["tty"]:
            self.record["stdin"] = "closed"
        self._input.end()
        self._changed(self)

    def resize(self, cols: int, rows: int) -> None:
        assert self._process is not None
        for terminal in self._process.outputs:
            process.set_size(terminal, cols, rows)
        self.record["tty"] = {"cols": cols, "rows": rows}
        self._changed(self)

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        assert self._process is not None
        self._sent_signal = number
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it has just ended

    def stop(self, cause: str, grace_s: float, done: Callable[[], None]) -> None:
        """End all its processes, gently first; `done` is called when the command is over."""
        if self._process is None:
            self._finish("stopped", cause)  # it was still waiting for its turn
            done()
            return
        self._cause = self._cause or cause
        self._end_waiters.append(done)
        if self._ending is not None:
            self._loop.call_later(grace_s, self._ending.kill)
            return
        pid, marks = self._process.pid, tree.marks(self._directory, self.id)
        group = pid if self._exit is None else None
        self._ending = tree.Ending(
            self._loop, lambda: tree.members(pid, marks), grace_s, self._on_ended, group
        )

    def _on_ended(self) -> None:
        self._reached = True
        if self._exit is None:
            # Its end is on the way. What hangs in the kernel is reported as it is: still running.
            self._loop.call_later(_END_WITHIN_S, self._serve_end_waiters)
        else:
            self._serve_end_waiters()

    def _serve_end_waiters(self) -> None:
        waiters, self._end_waiters = self._end_waiters, []
        if self._exit is not None and self._process is not None and self._process.outputs:
            self._read_rest()
            self._linger()
        self._settle()
        for done in waiters:
            done()

    def _out_of_time(self) -> None:
        self.stop("timeout", _TIMEOUT_GRACE_S, lambda: None)

    # Readiness

    def _watch_readiness(self) -> None:
        if self.spec.get("ready"):
            self.record["ready"] = "waiting"
            try:
                self._readiness = Readiness(self._loop, self.spec["ready"], self._on_readiness)
            except OSError:  # no descriptor or process left for it
                self.record["ready"] = "timedOut"

    def _on_readiness(self, found: Record | None) -> None:
        self._readiness = None
        self.record["ready"] = "timedOut" if found is None else "ready"
        if found is not None:
            self.found = {"sessionId": self.record["sessionId"], "commandId": self.id, **found}
            self.on_ready(self)
        self._changed(self)
