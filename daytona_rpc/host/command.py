"""One command of a session: from its start to its last byte."""

from __future__ import annotations

import os
import time
from typing import Callable

from . import log, process, records, tree
from .loop import Loop, Timer
from .ready import LineWatch, PortWatch, UrlWatch

_READ_BYTES = 256 << 10
_DRAIN_S = 0.1  # how long a command's output is awaited after its main process has ended
_INPUT_HELD_BYTES = 1 << 20  # input beyond this is acknowledged only as the command takes it
_TIMEOUT_GRACE_S = 5.0


class Command:
    """A command and all that belongs to it: process, log, input, time limit, readiness.

    `record` is its status in the words of the wire; it changes only through `_set`.
    """

    def __init__(
        self, loop: Loop, directory: str, record: dict, cap: int, changed: Callable[[Command], None]
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._changed = changed
        self.id: str = record["commandId"]
        self.record = record
        self.on_output: Callable[[Command], None] = lambda command: None
        self.on_ready: Callable[[Command, dict], None] = lambda command, found: None
        self.spec: dict = {}
        self.log = log.LogWriter(os.path.join(directory, "commands", self.id), cap)
        self._process: process.Process | None = None
        self._held: dict[int, bytes] = {}  # by channel: the beginning of a character
        self._started = 0.0
        self._exit: tuple[float, int] | None = None  # when, and the wait status
        self._drain: Timer | None = None
        self._limit: Timer | None = None
        self._input: list[tuple[memoryview, Callable[[], None] | None]] = []
        self._input_bytes = 0
        self._input_ends = False
        self._ending: tree.Ending | None = None
        self._end_waiters: list[Callable[[], None]] = []
        self._cause: str | None = None
        self._sent_signal = 0
        self._lines: LineWatch | None = None
        self._watches: list[PortWatch | UrlWatch] = []
        self._ready_limit: Timer | None = None

    @property
    def final(self) -> bool:
        return self.record["status"] in records.FINAL

    def status(self) -> dict:
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
        self._started = time.monotonic()
        self.record["startedAt"] = records.timestamp(time.time())
        self._loop.watch_child(started.pid, self._on_exit)
        for fd, channel in started.outputs.items():
            self._loop.add_reader(fd, lambda fd=fd, channel=channel: self._on_readable(fd, channel))
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
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""  # a terminal that nobody holds open any more
        if not data:
            del self._process.outputs[fd]
            self._loop.remove_reader(fd)
            if fd != self._process.stdin:
                os.close(fd)
            return False
        if self._lines is not None:
            line = self._lines.feed(channel, data)
            if line is not None:
                self._become_ready({"line": line})
        # Characters are kept whole in the log, so that no reader ever has to wait for half of one.
        held = self._held.pop(channel, None)
        if held:
            data = held + data
        back = log.held_back(data)
        if back:
            self._held[channel] = data[-back:]
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
        loop, outputs = self._loop, self._process.outputs
        stdin = self._process.stdin
        for fd in list(outputs):
            del outputs[fd]
            if fd == stdin:
                self._process.stdin = -1
            Sink(loop, fd)

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
        for timer in (self._drain, self._limit, self._ready_limit):
            if timer is not None:
                timer.cancel()
        self._stop_watching()
        if self.record["ready"] == "waiting":
            self.record["ready"] = None
        self._close_input()
        self.log.close()
        self.record["endedAt"] = records.timestamp(time.time())
        if self._exit is not None:
            self.record["durationMs"] = round((self._exit[0] - self._started) * 1000)
        if self.log.problem is not None:
            reason = "; ".join(filter(None, (reason, f"log incomplete: {self.log.problem}")))
        self._set(status, reason)

    # Input

    def write(self, data: bytes, done: Callable[[], None]) -> None:
        """Give it input; `done` is called once there is room for more."""
        if data:
            self._input_bytes += len(data)
            if self._input_bytes > _INPUT_HELD_BYTES:
                self._input.append((memoryview(data), done))
            else:
                self._input.append((memoryview(data), None))
                done()
            self._feed()
        else:
            done()

    def end_input(self) -> None:
        """Let it read the end of file after what was written."""
        if self.record["tty"]:
            self._input.append((memoryview(b"\x04"), None))  # what a terminal takes for it
            self._input_bytes += 1
        else:
            self._input_ends = True
        self._feed()

    def _feed(self) -> None:
        fd = self._process.stdin if self._process is not None else -1
        while self._input and fd >= 0:
            data, done = self._input[0]
            try:
                written = os.write(fd, data)
            except BlockingIOError:
                self._loop.add_writer(fd, self._feed)
                return
            except OSError:
                self._close_input()  # it does not read any more
                return
            self._input_bytes -= written
            if written < len(data):
                self._input[0] = (data[written:], done)
            else:
                self._input.pop(0)
                if done is not None:
                    done()
        if fd >= 0:
            self._loop.remove_writer(fd)
        if self._input_ends and not self._input:
            self._close_input()

    def _close_input(self) -> None:
        waiting, self._input = self._input, []
        self._input_bytes = 0
        fd = self._process.stdin if self._process is not None else -1
        if fd >= 0:
            assert self._process is not None
            self._loop.remove_writer(fd)
            if fd not in self._process.outputs:
                os.close(fd)
                self._process.stdin = -1
        for _, done in waiting:
            if done is not None:
                done()

    def resize(self, cols: int, rows: int) -> None:
        assert self._process is not None
        process.set_size(next(iter(self._process.outputs)), cols, rows)
        self.record["tty"] = {"cols": cols, "rows": rows}

    # Signals and stopping

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
        self._ending = tree.Ending(self._loop, lambda: tree.members(pid, marks), grace_s, self._on_ended)

    def _on_ended(self) -> None:
        if self._exit is None:
            # Its end is on the way; after that the waiters are served. What hangs in the kernel is
            # reported as it is: still running.
            self._loop.call_later(_DRAIN_S, self._serve_end_waiters)
            return
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
        ready = self.spec.get("ready")
        if not ready:
            return
        self.record["ready"] = "waiting"
        if ready.get("pattern") is not None:
            self._lines = LineWatch(ready["pattern"])
        if ready.get("port") is not None:
            port = ready["port"]
            self._watches.append(
                PortWatch(self._loop, port, lambda host: self._become_ready({"url": f"http://{host}:{port}"}))
            )
        if ready.get("url") is not None:
            self._watches.append(UrlWatch(self._loop, ready["url"], lambda: self._become_ready({})))
        if ready.get("timeoutMs") is not None:
            self._ready_limit = self._loop.call_later(ready["timeoutMs"] / 1000, self._not_ready)

    def _become_ready(self, found: dict) -> None:
        if self.record["ready"] != "waiting" or self.final:
            return
        asked = self.spec["ready"]
        found.update({key: asked[key] for key in ("port", "url") if asked.get(key) is not None})
        self._stop_watching()
        self.record["ready"] = "ready"
        self.on_ready(self, found)
        self._changed(self)

    def _not_ready(self) -> None:
        if self.record["ready"] == "waiting":
            self._stop_watching()
            self.record["ready"] = "timedOut"
            self._changed(self)

    def _stop_watching(self) -> None:
        self._lines = None
        for watch in self._watches:
            watch.cancel()
        self._watches.clear()


class Sink:
    """Reads a descriptor to its end and forgets what it reads."""

    alive = 0
    """How many there are; while there is one, the host must stay."""

    def __init__(self, loop: Loop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        Sink.alive += 1
        loop.add_reader(fd, self._discard)

    def _discard(self) -> None:
        try:
            more = bool(os.read(self._fd, _READ_BYTES))
        except BlockingIOError:
            return
        except OSError:
            more = False
        if not more:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            Sink.alive -= 1
